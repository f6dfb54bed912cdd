import { MAX_OWNERS } from './constants.ts'
import type { Leaf } from './file-tree.ts'

interface Pending {
  leaf: Leaf
  owners: Map<object, AbortController>
  /** `performance.now()` when it was last asked for. */
  since: number
}

/** What is still to be fetched of a file, and who is asked for which part of it. */
export class LeafQueue {
  readonly #todo: Leaf[]
  readonly #pending = new Map<Leaf, Pending>()
  readonly #overdue: number
  readonly #done = Promise.withResolvers<void>()
  #changed = Promise.withResolvers<void>()

  /** @param overdue - ms after which a leaf on its way may be asked of another one */
  constructor(leaves: Leaf[], overdue: number) {
    this.#todo = [...leaves]
    this.#overdue = overdue
    this.#check()
  }

  /** Resolves when every leaf is there. */
  get finished(): Promise<void> {
    return this.#done.promise
  }

  get empty(): boolean {
    return this.#todo.length + this.#pending.size === 0
  }

  /** Resolves when there may be something to take that was not there before. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  /**
   * The next leaf for `owner`, which has to answer with {@link done} or {@link release}. Once all are on their way, one
   * that takes long: whoever brings it first wins.
   *
   * @param lacks - leaves that the owner does not have
   */
  take(owner: object, lacks: ReadonlySet<Leaf>): { leaf: Leaf; signal: AbortSignal } | undefined {
    const index = this.#todo.findIndex((leaf) => !lacks.has(leaf))
    const [leaf] = index < 0 ? [] : this.#todo.splice(index, 1)
    const pending = leaf == null ? this.#late(owner, lacks) : { leaf, owners: new Map(), since: 0 }
    if (pending == null) {
      return undefined
    }
    const abort = new AbortController()
    pending.owners.set(owner, abort)
    pending.since = performance.now()
    this.#pending.set(pending.leaf, pending)
    return { leaf: pending.leaf, signal: abort.signal }
  }

  /** Takes up to `count` leaves that follow each other in the file, from the first one that nobody is asked for. */
  takeRun(owner: object, count: number): Leaf[] {
    const run: Leaf[] = []
    for (let next = this.#todo[0]; next != null && run.length < count; next = this.#todo[0]) {
      const last = run.at(-1)
      if (last != null && last.offset + last.length !== next.offset) {
        break
      }
      this.#todo.shift()
      this.#pending.set(next, { leaf: next, owners: new Map([[owner, new AbortController()]]), since: performance.now() })
      run.push(next)
    }
    return run
  }

  /** @returns false if somebody else had brought it before */
  done(leaf: Leaf): boolean {
    const pending = this.#pending.get(leaf)
    if (pending == null) {
      return false
    }
    this.#pending.delete(leaf)
    for (const abort of pending.owners.values()) {
      abort.abort(new Error('somebody else brought it'))
    }
    this.#check()
    return true
  }

  /** `owner` does not bring it. */
  release(leaf: Leaf, owner: object): void {
    const pending = this.#pending.get(leaf)
    pending?.owners.delete(owner)
    if (pending?.owners.size === 0) {
      this.#pending.delete(leaf)
      this.#todo.unshift(leaf)
      this.#todo.sort((a, b) => a.offset - b.offset)
      this.#wake()
    }
  }

  /** True if something is still to be fetched that is none of `lacks`. */
  needs(lacks: ReadonlySet<Leaf>): boolean {
    return this.#todo.some((leaf) => !lacks.has(leaf)) || [...this.#pending.keys()].some((leaf) => !lacks.has(leaf))
  }

  #late(owner: object, lacks: ReadonlySet<Leaf>): Pending | undefined {
    const before = performance.now() - this.#overdue
    let oldest: Pending | undefined
    for (const pending of this.#pending.values()) {
      const { leaf, owners, since } = pending
      if (since <= before && !owners.has(owner) && owners.size < MAX_OWNERS && !lacks.has(leaf)) {
        oldest = oldest == null || since < oldest.since ? pending : oldest
      }
    }
    return oldest
  }

  #check(): void {
    if (this.empty) {
      this.#done.resolve()
      this.#wake()
    }
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
