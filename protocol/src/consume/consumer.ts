import { peerIdFromMultihash } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import { isShardError, ShardError } from '../errors.ts'
import { DraftPolicy, FinishReason, validateAsk } from '../generate/index.ts'
import { resolveSampling } from '../sampling/index.ts'
import { MAX_ATTEMPTS, SEARCH_PAUSE, SEARCH_TIMEOUT } from './constants.ts'
import { Ranking } from './ranking.ts'
import type { Directory, KnownShard } from '../announce/index.ts'
import type { FaultCode } from '../errors.ts'
import type { Ask, Commit, Done, Generate } from '../generate/index.ts'
import type { AnswerEvent, AnswerPath, Question } from './events.ts'
import type { AbortOptions, Connection, PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

export interface ConsumerInit {
  generate: Pick<Generate, 'ask'>
  directory: Directory
  /** The node's own connections, to tell a direct path from a relayed one. */
  connections: (peer: PeerId) => Connection[]
  /** A Shard that runs in this very process, which needs no connection. */
  self?: PeerId
  ranking?: Ranking
  /** Ms to look for a Shard before giving up. */
  searchTimeout?: number
}

/** Another Shard would say the same of these. */
const FINAL: ReadonlySet<FaultCode> = new Set(['INVALID_REQUEST', 'CONTEXT_OVERFLOW', 'OVERSIZED', 'NO_SHARD'])

/** One answer on its way over any number of Shards. */
interface Attempt {
  ask: Ask
  count: number
  /** Shards that failed this answer. */
  failed: Set<string>
  /** Shards that had no room a moment ago. */
  busy: Set<string>
  /** Tokens of the answer that were drafted. */
  accepted: number
}

export class Consumer {
  readonly #init: ConsumerInit
  readonly #ranking: Ranking

  constructor(init: ConsumerInit) {
    this.#init = init
    this.#ranking = init.ranking ?? new Ranking()
  }

  /**
   * Asks the swarm. Commits are gapless and never repeat, over any number of Shards; the last event is a `done`.
   * Leaving the loop, or aborting the signal, cancels the generation.
   *
   * @throws ShardError INVALID_REQUEST, CONTEXT_OVERFLOW, OVERSIZED: change the question; NO_SHARD: none was found in
   * time; any other code: the last of several Shards failed with it. The signal's reason, when aborted.
   */
  async *ask(question: Question, options: AbortOptions = {}): AsyncGenerator<AnswerEvent, void, undefined> {
    const attempt: Attempt = { ask: toAsk(question), count: 0, failed: new Set(), busy: new Set(), accepted: 0 }
    validateAsk(attempt.ask)
    while (true) {
      const peer = yield* this.#find(question.model, attempt, options)
      attempt.count++
      try {
        yield* this.#answer(peer, attempt, options)
        return
      } catch (error) {
        options.signal?.throwIfAborted()
        if (!isShardError(error) || isFinal(error)) {
          throw error
        }
        this.#lost(peer, error)
        const passed = error.code === 'BUSY' ? attempt.busy : attempt.failed
        passed.add(peer.toString())
        if (attempt.count >= MAX_ATTEMPTS) {
          throw error
        }
        yield { type: 'moved', from: peer, position: attempt.ask.committed.length, cause: error }
      }
    }
  }

  #lost(peer: PeerId, error: ShardError): void {
    if (error.code !== 'BUSY') {
      this.#ranking.failed(peer)
    }
    if (error.code === 'UNKNOWN_MODEL' || error.code === 'DISCONNECTED' || error.code === 'SHUTTING_DOWN') {
      this.#init.directory.forget(peer)
    }
  }

  /** A Shard that has not failed this answer yet; one that was only busy is asked again when no other is found. */
  async *#find(model: CID, attempt: Attempt, { signal }: AbortOptions): AsyncGenerator<AnswerEvent, PeerId, undefined> {
    const { directory, searchTimeout = SEARCH_TIMEOUT } = this.#init
    const end = performance.now() + searchTimeout
    const found = new AbortController()
    let search: Promise<void> | undefined
    try {
      while (true) {
        signal?.throwIfAborted()
        const chosen = this.#ranking.choose(this.#candidates(model, attempt))
        if (chosen != null) {
          return chosen.peer
        }
        const left = end - performance.now()
        if (left <= 0) {
          throw new ShardError('NO_SHARD', noShard(attempt))
        }
        if (search == null) {
          yield { type: 'searching' }
        }
        // one walk through the DHT at a time; what it finds, and who announces itself, is a change
        search ??= directory.discover(model, { signal: found.signal }).catch(() => undefined)
        await directory.changed({ signal, timeout: Math.min(SEARCH_PAUSE, left) })
        attempt.busy.clear()
      }
    } finally {
      found.abort()
    }
  }

  #candidates(model: CID, { failed, busy }: Attempt): KnownShard[] {
    return this.#init.directory
      .shards(model)
      .filter(({ peer }) => !failed.has(peer.toString()) && !busy.has(peer.toString()))
  }

  async *#answer(peer: PeerId, attempt: Attempt, options: AbortOptions): AsyncGenerator<AnswerEvent, void, undefined> {
    const { ask } = attempt
    const started = performance.now()
    let first: { at: number; tokens: number } | undefined
    let announced = false
    for await (const { progress, accepted, commit, done } of this.#init.generate.ask(peer, ask, options)) {
      if (!announced) {
        announced = true
        yield { type: 'shard', peer, attempt: attempt.count, path: this.#path(peer) }
      }
      if (progress != null) {
        yield progress.queuePosition > 0
          ? { type: 'queued', ahead: progress.queuePosition }
          : { type: 'prefill', prefilledTokens: progress.prefilledTokens }
      } else if (accepted != null) {
        yield { type: 'accepted', promptTokens: accepted.promptTokens }
      } else if (commit != null) {
        ask.committed.push(...commit.tokens)
        first ??= { at: performance.now(), tokens: ask.committed.length }
        attempt.accepted += commit.drafted
        yield toCommitEvent(commit)
      } else if (done != null) {
        if (first != null) {
          // by our own clock: what a Shard says of its speed is its own word
          const ms = performance.now() - first.at
          const speed = ms > 0 ? ((ask.committed.length - first.tokens) * 1000) / ms : 0
          this.#ranking.succeeded(peer, { speed, firstToken: first.at - started })
        }
        yield toDoneEvent(done, attempt)
      }
    }
  }

  #path(peer: PeerId): AnswerPath {
    if (this.#init.self?.equals(peer) === true) {
      return 'local'
    }
    return this.#init.connections(peer).some(({ limits }) => limits == null) ? 'direct' : 'relayed'
  }
}

function isFinal({ code, remote }: ShardError): boolean {
  // a message that was too large for us is the Shard's doing
  return FINAL.has(code) && (code !== 'OVERSIZED' || remote)
}

function noShard(attempt: Attempt): string {
  return attempt.count === 0
    ? 'No Shard for this model was found. Start one with `shard serve`, or check the connection and try again.'
    : 'The Shard was lost and no other one for this model was found. Try again to continue the answer.'
}

function toAsk(question: Question): Ask {
  return {
    model: question.model.bytes,
    messages: question.messages ?? [],
    prompt: question.prompt,
    sampling: resolveSampling(question.sampling ?? {}),
    maxTokens: question.maxTokens ?? 0,
    stop: question.stop ?? [],
    committed: [...(question.committed ?? [])],
    draftPolicy: question.draftPolicy === 'own' ? DraftPolicy.OWN : DraftPolicy.ANYONE
  }
}

function toCommitEvent({ position, tokens, text, drafted, scout }: Commit): AnswerEvent {
  return {
    type: 'commit',
    position,
    tokens,
    text,
    drafted,
    scout: scout.byteLength > 0 ? peerIdFromCommit(scout) : undefined
  }
}

function peerIdFromCommit(scout: Uint8Array): string | undefined {
  try {
    return peerIdFromMultihash(Digest.decode(scout)).toString()
  } catch {
    // who drafted is for show; an answer is not lost over it
    return undefined
  }
}

function toDoneEvent(done: Done, { ask, accepted }: Attempt): AnswerEvent {
  return {
    type: 'done',
    reason: done.reason === FinishReason.LENGTH ? 'length' : 'stop',
    text: done.text,
    figures: {
      promptTokens: done.promptTokens,
      completionTokens: done.completionTokens,
      draftedTokens: done.draftedTokens,
      acceptedTokens: accepted,
      rounds: done.rounds,
      prefillMs: done.prefillMs,
      decodeMs: done.decodeMs,
      seed: ask.sampling?.seed ?? 0
    }
  }
}
