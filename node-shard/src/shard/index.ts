/**
 * @packageDocumentation
 *
 * A Shard's work: answers `/shard/generate/1` with its target, takes drafts from `/shard/draft/1`, and says what it has
 * to offer.
 */

import { ShardError } from '@shard/protocol/errors'
import { FinishReason } from '@shard/protocol/generate'
import { CID } from 'multiformats/cid'
import { equals } from 'uint8arrays/equals'
import { ScoutPool } from '../scouts/pool.ts'
import { AnswerText } from '../verify/answer-text.ts'
import { chooseDepth } from '../verify/depth.ts'
import { prefill, verify } from '../verify/index.ts'
import { Slots } from './slots.ts'
import { toCommit, toDone } from './responses.ts'
import type { ShardOffer } from '@shard/protocol/announce'
import type { Offer } from '@shard/protocol/draft'
import type { Answerer, Ask, GenerateResponse } from '@shard/protocol/generate'
import type { Manifest } from '@shard/protocol/model'
import type { PeerId } from '@libp2p/interface'
import type { LlamaSequence } from '../engine/llama-sequence.ts'
import type { Target } from '../engine/target.ts'
import type { Tally } from './responses.ts'

type AnswerContext = Parameters<Answerer>[1]

export interface ShardInit {
  target: Target
  manifest: Manifest
  /** The manifest's CID. */
  model: CID
  /** The offer changed and should be announced. */
  onChange: () => void
}

export class Shard {
  readonly scouts: ScoutPool
  readonly #target: Target
  readonly #manifest: Manifest
  readonly #model: CID
  readonly #slots: Slots<LlamaSequence>
  readonly #onChange: () => void
  readonly #stopping = new AbortController()

  constructor({ target, manifest, model, onChange }: ShardInit) {
    this.#target = target
    this.#manifest = manifest
    this.#model = model
    this.#slots = new Slots(target.sequences)
    this.#onChange = onChange
    this.scouts = new ScoutPool({
      slots: this.#slots.total,
      vocabularySize: target.vocabulary.size,
      check: (offer) => this.#checkOffer(offer),
      depth: (acceptance, available) =>
        chooseDepth(acceptance, available, target.cost, Math.max(1, this.#slots.active)),
      onChange
    })
  }

  get offer(): ShardOffer {
    return {
      models: [{ manifest: this.#model, name: this.#manifest.name }],
      slots: this.#slots.total,
      active: this.#slots.active,
      queued: this.#slots.queued,
      scoutsWanted: this.scouts.wanted,
      speed: this.#target.speed
    }
  }

  /** Ends all generations with SHUTTING_DOWN and sends the Scouts away. */
  close(): void {
    this.#stopping.abort(new ShardError('SHUTTING_DOWN', 'This Shard stops; another one can go on with the answer.'))
    this.scouts.close()
  }

  readonly answer: Answerer = (ask, context) => this.#answer(ask, context)

  async *#answer(
    ask: Ask,
    { peer, signal }: AnswerContext
  ): AsyncGenerator<Partial<GenerateResponse>, void, undefined> {
    const prompt = this.#tokenize(ask)
    const either = AbortSignal.any([signal, this.#stopping.signal])
    const slot = yield* this.#queue(either)
    this.#onChange()
    try {
      yield { accepted: { promptTokens: prompt.length } }
      yield* this.#generate(ask, prompt, slot, peer, either)
    } finally {
      this.#slots.release(slot)
      this.#onChange()
    }
  }

  async *#queue(signal: AbortSignal): AsyncGenerator<Partial<GenerateResponse>, LlamaSequence, undefined> {
    const turn = this.#slots.acquire(signal)
    try {
      while (true) {
        const next = await turn.next()
        if (next.done === true) {
          return next.value
        }
        yield { progress: { queuePosition: next.value, prefilledTokens: 0 } }
      }
    } finally {
      await turn.return(undefined as never)
    }
  }

  async *#generate(
    ask: Ask,
    prompt: number[],
    sequence: LlamaSequence,
    consumer: PeerId,
    signal: AbortSignal
  ): AsyncGenerator<Partial<GenerateResponse>, void, undefined> {
    const target = this.#target
    const room = target.contextLength - prompt.length
    const maxTokens = ask.maxTokens > 0 ? Math.min(ask.maxTokens, room) : room
    const committed = [...ask.committed]
    const text = new AnswerText(target.text(), ask.stop)
    committed.forEach((token) => text.push(token))

    const tally: Tally = { promptTokens: prompt.length, offered: 0, accepted: 0, rounds: 0, started: performance.now() }
    const ended = this.#ended(committed, maxTokens, text)
    if (ended != null) {
      yield toDone(tally, ended, text.flush(), committed.length)
      return
    }
    // Scouts read the prompt while the target does
    const generation = this.scouts.begin({ prompt, committed, maxTokens, policy: ask.draftPolicy, consumer })
    try {
      const context = { sequence, prompt, committed, signal }
      for await (const prefilledTokens of prefill(context, target.prefillChunk)) {
        yield { progress: { queuePosition: 0, prefilledTokens } }
      }
      tally.prefilled = performance.now()
      const rounds = verify({
        ...context,
        sampling: requireSampling(ask),
        maxTokens,
        isEnd: (token) => target.isEnd(token),
        drafts: generation
      })
      for await (const round of rounds) {
        const added = cutAtStop(round.tokens, text)
        const kept = { ...round, tokens: added.tokens, accepted: Math.min(round.accepted, added.tokens.length) }
        committed.push(...kept.tokens)
        generation.commit(kept)
        tally.offered += kept.offered
        tally.accepted += kept.accepted
        tally.rounds++
        yield toCommit(kept, added.text)
        const end = text.stopped ? 'stop' : round.end
        if (end != null) {
          const reason = end === 'stop' ? FinishReason.STOP : FinishReason.LENGTH
          yield toDone(tally, reason, text.flush(), committed.length)
          return
        }
      }
    } finally {
      this.scouts.end(generation)
    }
  }

  /** Why there is nothing left to generate, where a Shard was lost after its last token and before its Done. */
  #ended(committed: readonly number[], maxTokens: number, text: AnswerText): FinishReason | undefined {
    const last = committed.at(-1)
    if (text.stopped || (last != null && this.#target.isEnd(last))) {
      return FinishReason.STOP
    }
    return committed.length >= maxTokens ? FinishReason.LENGTH : undefined
  }

  #tokenize(ask: Ask): number[] {
    if (!this.#model.equals(CID.decode(ask.model))) {
      throw new ShardError(
        'UNKNOWN_MODEL',
        `This Shard serves ${this.#manifest.name} (${this.#model.toString()}) only.`
      )
    }
    const { prompts, contextLength, vocabulary } = this.#target
    const prompt = ask.prompt != null ? prompts.text(ask.prompt) : prompts.chat(ask.messages)
    if (prompt.length === 0) {
      throw new ShardError('INVALID_REQUEST', 'The prompt is empty.')
    }
    // the context may be full of an answer that only has to be ended
    if (prompt.length >= contextLength || prompt.length + ask.committed.length > contextLength) {
      throw new ShardError(
        'CONTEXT_OVERFLOW',
        `The conversation has ${prompt.length + ask.committed.length} tokens and the model's context ${contextLength}. Leave out old messages or shorten the prompt.`
      )
    }
    if (ask.committed.some((token) => token >= vocabulary.size)) {
      throw new ShardError('MALFORMED', 'A committed token is not in the vocabulary of this model.')
    }
    return prompt
  }

  #checkOffer({ model, tokenizer }: Offer): void {
    if (!equals(model, this.#model.bytes)) {
      throw new ShardError(
        'UNKNOWN_MODEL',
        `This Shard serves ${this.#manifest.name} (${this.#model.toString()}) only.`
      )
    }
    if (!equals(tokenizer, this.#target.tokenizer)) {
      throw new ShardError(
        'INCOMPATIBLE',
        'The draft model has another tokenizer than the target; take its own draft build.'
      )
    }
  }
}

function requireSampling({ sampling }: Ask): NonNullable<Ask['sampling']> {
  if (sampling == null) {
    throw new ShardError('MALFORMED', 'An Ask needs its sampling parameters.')
  }
  return sampling
}

/** The text of a round's tokens. A stop string ends the answer at the token that completes it. */
function cutAtStop(tokens: readonly number[], text: AnswerText): { tokens: number[]; text: string } {
  const kept: number[] = []
  let added = ''
  for (const token of tokens) {
    added += text.push(token)
    kept.push(token)
    if (text.stopped) {
      break
    }
  }
  return { tokens: kept, text: added }
}
