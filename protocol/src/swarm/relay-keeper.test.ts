import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RELAY_REFRESH_AT_MOST_EVERY, RELAYS_WANTED, RELAY_RETRY_AT_MOST } from './constants.ts'
import { RelayKeeper } from './relay-keeper.ts'
import type { RelayAddresses } from './relay-addresses.ts'
import type { RelayState } from './relay-keeper.ts'

const relay = (id: string): RelayAddresses => ({ id, addresses: [] })

/** A world of relays: which are listed, which answer, which are connected. */
class World {
  listed: string[] | Error = ['a', 'b', 'c']
  answering = new Set(['a', 'b', 'c'])
  connected = new Set<string>()
  dials: string[] = []
  loads = 0
  state: RelayState | undefined

  readonly keeper = new RelayKeeper({
    load: async () => {
      this.loads++
      if (this.listed instanceof Error) throw this.listed
      return this.listed.map(relay)
    },
    dial: async ({ id }) => {
      this.dials.push(id)
      if (!this.answering.has(id)) throw new Error(`${id} does not answer`)
      this.connected.add(id)
    },
    isConnected: (id) => this.connected.has(id),
    onChange: (state) => {
      this.state = state
    },
    random: () => 0.5
  })

  lose(id: string): void {
    this.connected.delete(id)
    this.keeper.check()
  }
}

let world: World

beforeEach(() => {
  vi.useFakeTimers()
  world = new World()
})

afterEach(() => {
  world.keeper.stop()
  vi.useRealTimers()
})

/** Lets everything happen that is due now. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('RelayKeeper', () => {
  it('connects to as many relays as it wants and no more', async () => {
    world.keeper.start()
    await settle()
    expect(world.connected.size).toBe(RELAYS_WANTED)
    await vi.advanceTimersByTimeAsync(10 * RELAY_RETRY_AT_MOST)
    expect(world.dials).toHaveLength(RELAYS_WANTED)
    expect(world.state).toEqual({ connected: [...world.connected].sort(), dialling: false })
  })

  it('goes past relays that do not answer', async () => {
    world.answering = new Set(['c'])
    world.keeper.start()
    await vi.advanceTimersByTimeAsync(2_000)
    expect([...world.connected]).toEqual(['c'])
    expect(world.state?.problem).toBeUndefined()
  })

  it('replaces a relay that is lost', async () => {
    world.keeper.start()
    await settle()
    const [lost = ''] = world.connected
    world.answering.delete(lost)
    world.lose(lost)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(world.connected.size).toBe(RELAYS_WANTED)
    expect(world.connected.has(lost)).toBe(false)
  })

  it('tries a silent relay less and less often, says why, and never stops trying', async () => {
    world.listed = ['a']
    world.answering.clear()
    world.keeper.start()
    await vi.advanceTimersByTimeAsync(60_000)
    const inFirstMinute = world.dials.length
    expect(world.state).toMatchObject({ connected: [], problem: expect.stringContaining('a does not answer') })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(world.dials.length - inFirstMinute).toBeLessThan(inFirstMinute)
    const before = world.dials.length
    await vi.advanceTimersByTimeAsync(2 * RELAY_RETRY_AT_MOST)
    expect(world.dials.length).toBeGreaterThan(before)
  })

  it('does not dial a relay that hangs up at once in a tight loop', async () => {
    world.listed = ['a']
    world.keeper.start()
    await settle()
    for (let i = 0; i < 5; i++) world.lose('a')
    await settle()
    expect(world.dials).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(world.connected.has('a')).toBe(true)
  })

  it('tries at once when told to hurry', async () => {
    world.listed = ['a']
    world.answering.clear()
    world.keeper.start()
    await vi.advanceTimersByTimeAsync(60_000)
    world.answering.add('a')
    world.keeper.hurry()
    await settle()
    expect(world.connected.has('a')).toBe(true)
  })

  it('looks for relays that moved while none answers', async () => {
    world.answering = new Set(['d'])
    world.keeper.start()
    await vi.advanceTimersByTimeAsync(1_000)
    world.listed = ['d']
    await vi.advanceTimersByTimeAsync(RELAY_REFRESH_AT_MOST_EVERY)
    expect([...world.connected]).toEqual(['d'])
    const { loads } = world
    await vi.advanceTimersByTimeAsync(10 * RELAY_REFRESH_AT_MOST_EVERY)
    expect(world.loads).toBe(loads)
  })

  it('keeps asking for a list that cannot be loaded', async () => {
    world.listed = new Error('The list of relays could not be loaded.')
    world.keeper.start()
    await settle()
    expect(world.state?.problem).toMatch(/could not be loaded/)
    world.listed = ['a']
    await vi.advanceTimersByTimeAsync(2_000)
    expect(world.state).toEqual({ connected: ['a'], dialling: false })
  })

  it('does nothing after stop', async () => {
    world.answering.clear()
    world.keeper.start()
    await settle()
    world.keeper.stop()
    await settle()
    const { length } = world.dials
    world.keeper.check()
    world.keeper.hurry()
    await vi.advanceTimersByTimeAsync(10 * RELAY_RETRY_AT_MOST)
    expect(world.dials).toHaveLength(length)
  })
})
