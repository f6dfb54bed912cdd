import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_QUEUE, Slots } from './slots.ts'

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** Someone who asks for a slot; what it is told, and what it has. */
class Client {
  readonly stop = new AbortController()
  readonly positions: number[] = []
  state: 'new' | 'waiting' | 'has' | 'gone' = 'new'
  slot?: string
  error?: unknown
  readonly #turn: AsyncGenerator<number, string, undefined>
  #work?: Promise<void>

  constructor(slots: Slots<string>) {
    this.#turn = slots.acquire(this.stop.signal)
  }

  /** Asks, and goes on asking for as long as it is told to wait. */
  ask(): void {
    this.state = 'waiting'
    this.#work = (async () => {
      try {
        while (true) {
          const next = await this.#turn.next()
          if (next.done === true) {
            this.slot = next.value
            this.state = 'has'
            return
          }
          this.positions.push(next.value)
        }
      } catch (error) {
        this.error = error
        this.state = 'gone'
      }
    })()
  }

  abort(): void {
    this.stop.abort(new Error('enough'))
  }

  async ended(): Promise<void> {
    await this.#work
  }
}

describe('Slots', () => {
  it('gives free slots at once, and says how many there are', async () => {
    const slots = new Slots(['a', 'b'])
    const clients = [new Client(slots), new Client(slots)]
    clients.forEach((client) => client.ask())
    await settle()
    expect(new Set(clients.map(({ slot }) => slot))).toEqual(new Set(['a', 'b']))
    expect(clients.map(({ positions }) => positions)).toEqual([[], []])
    expect([slots.total, slots.active, slots.queued]).toEqual([2, 2, 0])
    slots.release('a')
    expect([slots.active, slots.queued]).toEqual([1, 0])
  })

  it('serves in the order of asking, and tells everyone who waits of each step', async () => {
    const slots = new Slots(['a'])
    const clients = Array.from({ length: 4 }, () => new Client(slots))
    for (const client of clients) {
      client.ask()
      await settle()
    }
    expect(clients.map(({ positions }) => positions)).toEqual([[], [1], [2], [3]])
    slots.release('a')
    await settle()
    expect(clients.map(({ slot }) => slot)).toEqual(['a', 'a', undefined, undefined])
    expect(clients.map(({ positions }) => positions)).toEqual([[], [1], [2, 1], [3, 2]])
    clients[2]?.abort()
    await settle()
    expect(clients[2]?.error).toMatchObject({ message: 'enough' })
    expect(clients[3]?.positions).toEqual([3, 2, 1])
  })

  it('turns away whoever comes when the queue is full', async () => {
    const slots = new Slots(['a'])
    const clients = Array.from({ length: 1 + MAX_QUEUE }, () => new Client(slots))
    clients.forEach((client) => client.ask())
    await settle()
    expect(slots.queued).toBe(MAX_QUEUE)
    const late = new Client(slots)
    late.ask()
    await late.ended()
    expect(late.error).toMatchObject({ code: 'BUSY' })
    clients[5]?.abort()
    await settle()
    const next = new Client(slots)
    next.ask()
    await settle()
    expect([next.state, slots.queued]).toEqual(['waiting', MAX_QUEUE])
  })

  it('gives nothing to whoever comes with an aborted signal', async () => {
    const slots = new Slots(['a'])
    const client = new Client(slots)
    client.abort()
    client.ask()
    await client.ended()
    expect([client.state, slots.active]).toEqual(['gone', 0])
  })

  it('takes back the slot of one that leaves just as its turn has come', async () => {
    const slots = new Slots(['a'])
    const [first, second, third] = [new Client(slots), new Client(slots), new Client(slots)]
    for (const client of [first, second, third]) client.ask()
    await settle()
    slots.release('a')
    second.abort()
    await settle()
    expect([second.state, third.state, third.slot]).toEqual(['gone', 'has', 'a'])
    slots.release('a')
    expect([slots.active, slots.queued]).toEqual([0, 0])
  })

  it('takes back the slot of one whose loop is left while it holds a position', async () => {
    const slots = new Slots(['a'])
    const holder = new Client(slots)
    holder.ask()
    await settle()
    const turn = slots.acquire(new AbortController().signal)
    expect(await turn.next()).toEqual({ done: false, value: 1 })
    slots.release('a')
    expect([slots.active, slots.queued]).toEqual([1, 0])
    await turn.return('left')
    expect([slots.active, slots.queued]).toEqual([0, 0])
  })

  it('never has more out than there are, never loses one, and keeps the order, whatever its users do', async () => {
    const event = fc.record({
      does: fc.constantFrom('ask', 'release', 'abort', 'settle'),
      who: fc.nat({ max: 30 })
    })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.array(event, { maxLength: 60 }), async (count, events) => {
        const names = ['a', 'b', 'c'].slice(0, count)
        const slots = new Slots(names)
        const clients: Client[] = []
        const having = (): Client[] => clients.filter(({ state }) => state === 'has')
        const check = (): void => {
          const out = having().map(({ slot }) => slot)
          expect(new Set(out).size).toBe(out.length)
          expect(out.length).toBeLessThanOrEqual(slots.active)
          expect(slots.active).toBeLessThanOrEqual(count)
          expect(slots.queued).toBeLessThanOrEqual(MAX_QUEUE)
        }
        for (const { does, who } of events) {
          const target = clients[who % Math.max(1, clients.length)]
          if (does === 'ask') {
            const client = new Client(slots)
            clients.push(client)
            client.ask()
          } else if (does === 'settle') {
            await settle()
            // whoever came first and did not leave is served first
            const waiting = clients.findIndex(({ state }) => state === 'waiting')
            const served = clients.findLastIndex(({ state }) => state === 'has')
            if (waiting >= 0) expect(served).toBeLessThan(waiting)
            expect(having()).toHaveLength(slots.active)
            expect(clients.filter(({ state }) => state === 'waiting')).toHaveLength(slots.queued)
            if (slots.queued > 0) expect(slots.active).toBe(count)
          } else if (does === 'abort' && target?.state === 'waiting') {
            target.abort()
          } else if (does === 'release' && target?.state === 'has') {
            target.state = 'gone'
            slots.release(target.slot as string)
          }
          check()
        }
        for (let round = 0; round <= clients.length; round++) {
          await settle()
          for (const client of having()) {
            client.state = 'gone'
            slots.release(client.slot as string)
          }
        }
        expect([slots.active, slots.queued]).toEqual([0, 0])
        expect(clients.every(({ state }) => state === 'gone')).toBe(true)
      }),
      { numRuns: 200 }
    )
  })
})
