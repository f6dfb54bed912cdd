import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Assignment } from './assignment.ts'
import type { Draft } from '../pb/draft.ts'
import type { DraftJob } from './assignment.ts'

const PROMPT = [901, 902, 903]

/** What the Shard will commit at a position, whatever a Scout thinks. */
const truth = (position: number): number => (position * 7 + 3) % 50

const truths = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => truth(from + index))

/** What happens next: the engine is asked, it answers (`right` says which of its tokens are true), or the Shard commits. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant('next' as const), step: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('finish' as const),
      right: fc.array(fc.boolean(), { maxLength: 6, minLength: 6 }),
      length: fc.integer({ min: 0, max: 6 })
    })
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 7 }) }) }
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface World {
  window: number
  maxTokens: number
  committed: number
}

const worlds: fc.Arbitrary<World> = fc.record({
  window: fc.integer({ min: 1, max: 12 }),
  maxTokens: fc.constantFrom(0, 1, 2, 20, 60),
  committed: fc.integer({ min: 0, max: 5 })
})

/** All that is known of one chain. */
interface Seen {
  number: number
  start: number
  tokens: number[]
}

class Model {
  readonly assignment: Assignment
  readonly world: World
  readonly drafts: Draft[] = []
  committed: number
  job?: DraftJob
  seen?: Seen
  /** The engine had nothing to add, and nothing was committed since. */
  dry = false

  constructor(world: World) {
    this.world = world
    this.committed = world.committed
    this.assignment = new Assignment({
      generation: 5,
      prompt: PROMPT,
      committed: truths(0, world.committed),
      maxTokens: world.maxTokens
    })
  }

  get left(): number {
    const { maxTokens } = this.world
    return maxTokens === 0 ? Infinity : maxTokens - 1 - this.committed - this.assignment.ahead
  }

  next(most: number): void {
    if (this.job != null) return
    const { assignment, world } = this
    const job = assignment.next(most, world.window)
    const expected = this.dry ? 0 : Math.min(most, world.window - assignment.ahead, this.left)
    expect(job?.k ?? 0).toBe(Math.max(0, expected))
    if (job == null) return
    expect(job.position).toBe(this.committed + assignment.ahead)
    expect(job.context).toHaveLength(PROMPT.length + job.position)
    expect(job.context.slice(0, PROMPT.length + this.committed)).toEqual([...PROMPT, ...truths(0, this.committed)])
    expect(job.signal.aborted).toBe(false)
    this.job = job
  }

  finish(right: boolean[], length: number): void {
    const { job, assignment } = this
    if (job == null) return
    this.job = undefined
    const tokens = truths(job.position, Math.min(length, job.k)).map((token, index) =>
      right[index] === true ? token : token + 100
    )
    const draft = assignment.finish(job, tokens)
    if (!job.signal.aborted) this.dry = tokens.length === 0 && job.position >= this.committed
    if (draft != null) this.check(draft, job, tokens)
  }

  check(draft: Draft, job: DraftJob, tokens: number[]): void {
    expect(job.signal.aborted).toBe(false)
    expect(draft).toMatchObject({ generation: 5, position: job.position, tokens })
    expect(tokens.length).toBeGreaterThan(0)
    if (this.seen?.number === draft.chain) {
      expect(draft.position).toBe(this.seen.start + this.seen.tokens.length)
    } else {
      expect(draft.chain).toBe((this.seen?.number ?? 0) + 1)
      // a new chain has the commits as its only past
      expect(draft.position).toBeLessThanOrEqual(this.committed)
      this.seen = { number: draft.chain, start: draft.position, tokens: [] }
    }
    this.seen.tokens.push(...tokens)
    const { start, tokens: chain } = this.seen
    const known = Math.max(0, this.committed - start)
    expect(chain.slice(0, known)).toEqual(truths(start, Math.min(known, chain.length)))
    this.drafts.push(draft)
  }

  commit(count: number): void {
    const { maxTokens } = this.world
    const tokens = truths(this.committed, maxTokens === 0 ? count : Math.min(count, maxTokens - this.committed))
    if (tokens.length === 0) return
    expect(this.assignment.commit(this.committed, tokens)).toBe(true)
    this.committed += tokens.length
    this.dry = false
  }

  run(steps: Step[]): void {
    for (const event of steps) {
      if (event.does === 'next') this.next(event.step)
      else if (event.does === 'finish') this.finish(event.right, event.length)
      else this.commit(event.count)
      expect(this.assignment.ahead).toBeGreaterThanOrEqual(0)
      expect(this.assignment.ahead).toBeLessThanOrEqual(this.world.window)
    }
  }
}

describe('Assignment', () => {
  it('drafts in contiguous chains that never contradict what is committed, and never too far ahead', () => {
    fc.assert(
      fc.property(worlds, fc.array(step, { maxLength: 60 }), (world, steps) => {
        new Model(world).run(steps)
      }),
      { numRuns: 1_000 }
    )
  })

  it('goes on to the end from wherever it got to', () => {
    fc.assert(
      fc.property(worlds, fc.array(step, { maxLength: 40 }), (world, steps) => {
        const model = new Model({ ...world, maxTokens: Math.max(world.maxTokens, 40) })
        model.run(steps)
        model.finish([], 0)
        const { maxTokens, window } = model.world
        model.commit(1)
        const before = model.drafts.length
        while (model.committed < maxTokens) {
          model.next(4)
          model.finish(Array<boolean>(4).fill(true), 4)
          // guesses that are wrong are gone after the commit that shows it
          model.commit(1 + (window % 3))
        }
        expect(model.drafts.length > before || model.committed >= maxTokens - 1).toBe(true)
        expect(model.assignment.next(4, window)).toBeUndefined()
      }),
      { numRuns: 300 }
    )
  })

  it('sends what is left of a draft that commits have overtaken', () => {
    const assignment = new Assignment({ generation: 1, prompt: PROMPT, committed: [], maxTokens: 0 })
    const job = assignment.next(4, 16)
    expect(job).toMatchObject({ position: 0, k: 4, context: PROMPT })
    assignment.commit(0, [10, 11])
    expect(job?.signal.aborted).toBe(false)
    expect(assignment.finish(job as DraftJob, [10, 11, 12, 13])).toEqual({
      generation: 1,
      chain: 1,
      position: 0,
      tokens: [10, 11, 12, 13]
    })
    expect(assignment.ahead).toBe(2)
    const following = assignment.next(4, 16)
    expect(following).toMatchObject({ position: 4, context: [...PROMPT, 10, 11, 12, 13] })
    expect(assignment.finish(following as DraftJob, [14])).toMatchObject({ chain: 1, position: 4 })
  })

  it('drops a draft that commits have contradicted or outrun, and starts a new chain at the commit', () => {
    for (const drafted of [
      [10, 99, 12, 13],
      [10, 11]
    ]) {
      const assignment = new Assignment({ generation: 1, prompt: PROMPT, committed: [], maxTokens: 0 })
      const job = assignment.next(4, 16) as DraftJob
      assignment.commit(0, [10, 11, 12])
      expect(assignment.finish(job, drafted)).toBeUndefined()
      const next = assignment.next(4, 16) as DraftJob
      expect(next).toMatchObject({ position: 3, context: [...PROMPT, 10, 11, 12] })
      expect(assignment.finish(next, [13])).toMatchObject({ chain: 1, position: 3, tokens: [13] })
    }
  })

  it('interrupts the engine as soon as a commit shows that its context is wrong', () => {
    const assignment = new Assignment({ generation: 1, prompt: PROMPT, committed: [], maxTokens: 0 })
    assignment.finish(assignment.next(4, 16) as DraftJob, [10, 11, 12, 13])
    const job = assignment.next(4, 16) as DraftJob
    assignment.commit(0, [10])
    expect(job.signal.aborted).toBe(false)
    assignment.commit(1, [99])
    expect(job.signal.aborted).toBe(true)
    expect(assignment.finish(job, [14, 15])).toBeUndefined()
    expect(assignment.ahead).toBe(0)
    expect(assignment.finish(assignment.next(4, 16) as DraftJob, [1])).toMatchObject({ chain: 2, position: 2 })
  })

  it('refuses commits that do not continue what it knows', () => {
    const assignment = new Assignment({ generation: 1, prompt: PROMPT, committed: [1, 2], maxTokens: 0 })
    expect([assignment.commit(1, [2]), assignment.commit(3, [4]), assignment.commit(2, [3])]).toEqual([
      false,
      false,
      true
    ])
  })

  it('interrupts the engine when the generation ends', () => {
    const assignment = new Assignment({ generation: 1, prompt: PROMPT, committed: [], maxTokens: 0 })
    const job = assignment.next(4, 16) as DraftJob
    assignment.end()
    expect(job.signal.aborted).toBe(true)
    expect(assignment.finish(job, [1])).toBeUndefined()
  })
})
