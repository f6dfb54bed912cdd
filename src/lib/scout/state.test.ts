import { describe, expect, it } from 'vitest'
import { Scouting } from './state.svelte.ts'
import type { ScoutParts } from './run-scout.ts'

/** Parts that are never ready, and count how often they are asked. */
function parts(): ScoutParts & { asked: number } {
  const never = () => new Promise<never>(() => {})
  const created = {
    asked: 0,
    swarm: () => {
      created.asked++
      return never()
    },
    fetchManifest: never,
    fetchModel: never,
    loadEngine: never,
    createRunner: never
  }
  return created
}

function storage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  const kept = new Map<string, string>()
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key)
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

describe('Scouting', () => {
  it('starts nothing and asks for nothing before the switch is on', async () => {
    const given = parts()
    const scouting = new Scouting(given, undefined, storage)
    scouting.resume()
    await turn()
    expect(scouting.on).toBe(false)
    expect(scouting.now).toEqual({ step: 'off' })
    expect(given.asked).toBe(0)
  })

  it('remembers the choice for the next visit', async () => {
    const kept = storage()
    const first = new Scouting(parts(), undefined, () => kept)
    first.set(true)
    expect(first.on).toBe(true)

    const given = parts()
    const second = new Scouting(given, undefined, () => kept)
    second.resume()
    await turn()
    expect(second.on).toBe(true)
    expect(second.now).toEqual({ step: 'searching' })
    expect(given.asked).toBe(1)

    second.set(false)
    const third = new Scouting(parts(), undefined, () => kept)
    third.resume()
    expect(third.on).toBe(false)
  })

  it('works where storage is forbidden', () => {
    const scouting = new Scouting(parts(), undefined, () => {
      throw new DOMException('denied', 'SecurityError')
    })
    scouting.resume()
    expect(scouting.on).toBe(false)
    scouting.set(true)
    expect(scouting.on).toBe(true)
  })
})
