import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromMultihash, peerIdFromPrivateKey } from '@libp2p/peer-id'
import { DraftPolicy, FinishReason } from '@shard/protocol/generate'
import { encodeManifest } from '@shard/protocol/model'
import { resolveSampling } from '@shard/protocol/sampling'
import * as Digest from 'multiformats/hashes/digest'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadBackend, Target } from '../engine/index.ts'
import { embeddedFiles } from '../store/index.ts'
import { Shard } from './index.ts'
import type { PeerId } from '@libp2p/interface'
import type { Begin, Committed, Offer, ScoutSession } from '@shard/protocol/draft'
import type { Ask, GenerateResponse } from '@shard/protocol/generate'
import type { Manifest } from '@shard/protocol/model'
import type { Llama } from 'node-llama-cpp'
import type { CID } from 'multiformats/cid'

type Response = Partial<GenerateResponse>

/** As long as it takes on a machine that is busy with other things. */
const until = async (check: () => unknown): Promise<void> => {
  await vi.waitFor(check, { timeout: 15_000, interval: 10 })
}

const log = pino({ level: 'silent' })
const QUESTION = 'Tell me a short story.'
/** Some tokens of the story that the model tells then. */
const STOP = 'could not find its'

let llama: Llama
let target: Target
let manifest: Manifest
let model: CID
let shard: Shard
let consumer: PeerId
let scoutId: PeerId
const onChange = vi.fn()

beforeAll(async () => {
  const embedded = await embeddedFiles()
  manifest = embedded.manifest
  model = (await encodeManifest(manifest)).cid
  llama = await loadBackend({ gpu: 'off', log })
  target = await Target.load({ llama, path: embedded.targetPath, log, slots: 1, contextLength: 256, threads: 1 })
  ;[consumer, scoutId] = (await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')])).map((key) =>
    peerIdFromPrivateKey(key)
  ) as [PeerId, PeerId]
}, 60_000)

beforeEach(() => {
  onChange.mockReset()
  shard = new Shard({ target, manifest, model, onChange })
})

afterEach(() => {
  expect(shard.offer).toMatchObject({ active: 0, queued: 0 })
})

afterAll(async () => {
  await target.dispose()
  await llama.dispose()
})

function ask(changes: Partial<Ask> = {}): Ask {
  return {
    model: model.bytes,
    messages: [{ role: 'user', content: QUESTION }],
    prompt: undefined,
    sampling: resolveSampling({ temperature: 0, seed: 1 }),
    maxTokens: 0,
    stop: [],
    committed: [],
    draftPolicy: DraftPolicy.ANYONE,
    ...changes
  }
}

interface Answer {
  responses: Response[]
  tokens: number[]
  text: string
  done: NonNullable<Response['done']>
}

async function collect(responses: AsyncIterable<Response>): Promise<Answer> {
  const all: Response[] = []
  for await (const response of responses) all.push(response)
  const done = all.at(-1)?.done
  if (done == null) throw new Error('an answer without an end')
  const commits = all.flatMap(({ commit }) => commit ?? [])
  return {
    responses: all,
    tokens: commits.flatMap(({ tokens }) => tokens),
    text: commits.map(({ text }) => text).join('') + done.text,
    done
  }
}

const answer = async (changes: Partial<Ask> = {}, signal = new AbortController().signal): Promise<Answer> =>
  collect(shard.answer(ask(changes), { peer: consumer, signal }))

/** A Scout that knows what will come, and drafts it as soon as it hears of a generation. */
class Scout implements ScoutSession {
  readonly begun: Begin[] = []
  readonly committed: Committed[] = []
  readonly ended: number[] = []
  readonly offer: Offer

  constructor(
    readonly peer: PeerId,
    readonly truth: readonly number[],
    changes: Partial<Offer> = {}
  ) {
    this.offer = {
      model: model.bytes,
      tokenizer: target.tokenizer as Uint8Array<ArrayBuffer>,
      engine: 'a test',
      ...changes
    }
  }

  begin(begin: Begin): void {
    this.begun.push(begin)
    const { generation } = begin
    const position = begin.committed.length
    const tokens = this.truth.slice(position, position + 32)
    // like the network: never within the call
    queueMicrotask(() => shard.scouts.draft(this, { generation, chain: 1, position, tokens }))
  }

  commit(committed: Committed): void {
    this.committed.push(committed)
  }

  end(generation: number): void {
    this.ended.push(generation)
  }

  dismiss(): void {}
}

describe('Shard', () => {
  it('tells the time of every token that it counts', async () => {
    // a clock that moves only while the target decodes
    let clock = 0
    vi.spyOn(performance, 'now').mockImplementation(() => clock)
    const [sequence] = target.sequences
    if (sequence == null) throw new Error('no sequence')
    const evaluate = sequence.evaluate.bind(sequence)
    vi.spyOn(sequence, 'evaluate').mockImplementation(async (tokens) => {
      clock += 2
      return evaluate(tokens)
    })
    const { tokens, done } = await answer({ maxTokens: 3 })
    expect(tokens).toHaveLength(3)
    expect(done).toMatchObject({ prefillMs: 0, decodeMs: 2 * done.rounds })
  })

  it('answers in order, to the end of the turn', async () => {
    const { responses, tokens, text, done } = await answer()
    const kinds = responses.map((response) => Object.keys(response)[0])
    expect(kinds[0]).toBe('accepted')
    expect(kinds.slice(kinds.indexOf('commit'), -1).every((kind) => kind === 'commit')).toBe(true)
    expect(tokens.slice(0, -1).some((token) => target.isEnd(token))).toBe(false)
    expect(target.isEnd(tokens.at(-1) ?? NaN)).toBe(true)
    const decoder = target.text()
    expect(text).toBe(decoder.push(tokens) + decoder.flush())
    expect(done).toMatchObject({
      reason: FinishReason.STOP,
      promptTokens: target.prompts.chat(ask().messages).length,
      completionTokens: tokens.length,
      draftedTokens: 0,
      acceptedTokens: 0,
      rounds: tokens.length
    })
    expect(onChange).toHaveBeenCalledTimes(2)
  })

  it('goes on from any token with exactly what is missing, at any temperature', async () => {
    const stop = ['its nest', STOP]
    for (const changes of [{}, { stop }, { maxTokens: 30, sampling: resolveSampling({ temperature: 0.8, seed: 5 }) }]) {
      const whole = await answer(changes)
      const { length } = whole.tokens
      const cuts = whole.tokens.map((_, index) => index).filter((index) => index % 19 === 0)
      for (const cut of [...cuts, length - 1, length]) {
        const committed = whole.tokens.slice(0, cut)
        const given = whole.responses
          .flatMap(({ commit }) => commit ?? [])
          .slice(0, cut)
          .map(({ text }) => text)
          .join('')
        const rest = await answer({ ...changes, committed })
        expect(rest.tokens).toEqual(whole.tokens.slice(cut))
        expect(given + rest.text).toBe(whole.text)
        expect(rest.done).toMatchObject({ reason: whole.done.reason, completionTokens: whole.tokens.length })
      }
    }
  })

  it('ends an answer that fills the context, and one that is moved then', async () => {
    const prompt = 'word '.repeat(120)
    const whole = await answer({ messages: [], prompt, sampling: resolveSampling({ temperature: 1.2, seed: 4 }) })
    const used = whole.done.promptTokens + whole.tokens.length
    expect(used).toBeLessThanOrEqual(target.contextLength)
    if (whole.done.reason === FinishReason.LENGTH) expect(used).toBe(target.contextLength)
    const full = Array<number>(target.contextLength - whole.done.promptTokens).fill(300)
    const moved = await answer({ messages: [], prompt, committed: full })
    expect([moved.tokens, moved.done.reason]).toEqual([[], FinishReason.LENGTH])
  })

  it('cuts the answer at a stop string, and commits the token that completes it', async () => {
    const whole = await answer()
    const { text, tokens, done } = await answer({ stop: [STOP] })
    expect(text).toBe(whole.text.slice(0, whole.text.indexOf(STOP)))
    expect(tokens).toEqual(whole.tokens.slice(0, tokens.length))
    const decoder = target.text()
    expect(decoder.push(tokens).trimEnd().endsWith(STOP)).toBe(true)
    expect(done).toMatchObject({ reason: FinishReason.STOP, completionTokens: tokens.length })
  })

  it('is as long as was asked for', async () => {
    const { tokens, done } = await answer({ maxTokens: 9 })
    expect(tokens).toHaveLength(9)
    expect(done).toMatchObject({ reason: FinishReason.LENGTH, completionTokens: 9 })
  })

  it('uses what Scouts draft, says whose it was, and answers the same', async () => {
    const whole = await answer()
    const scout = new Scout(scoutId, whole.tokens)
    shard.scouts.join(scout)
    const { tokens, text, responses, done } = await answer()
    expect([tokens, text]).toEqual([whole.tokens, whole.text])
    const drafted = responses.flatMap(({ commit }) => (commit != null && commit.drafted > 0 ? [commit] : []))
    expect(drafted.length).toBeGreaterThan(0)
    expect(drafted.every(({ scout: id }) => peerIdFromMultihash(Digest.decode(id)).equals(scoutId))).toBe(true)
    expect(done.acceptedTokens).toBe(drafted.reduce((sum, { drafted: count }) => sum + count, 0))
    expect(done.rounds).toBeLessThan(whole.done.rounds)
    expect(scout.committed.flatMap(({ tokens: committed }) => committed)).toEqual(tokens)
    expect(scout.committed.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(done.acceptedTokens)
    expect(scout.ended).toEqual(scout.begun.map(({ generation }) => generation))
  })

  it('cuts a round of drafted tokens at a stop string', async () => {
    const plain = await answer({ stop: [STOP] })
    const { tokens } = await answer()
    const scout = new Scout(scoutId, tokens)
    shard.scouts.join(scout)
    const drafted = await answer({ stop: [STOP] })
    expect([drafted.tokens, drafted.text]).toEqual([plain.tokens, plain.text])
    expect(drafted.done.completionTokens).toBe(plain.tokens.length)
  })

  it('shows nothing to Scouts of others where the Consumer does not want it', async () => {
    const scout = new Scout(scoutId, [])
    shard.scouts.join(scout)
    await answer({ maxTokens: 3, draftPolicy: DraftPolicy.OWN })
    expect(scout.begun).toEqual([])
  })

  it('turns Scouts away that draft for another model, or with another tokenizer', () => {
    expect(() => shard.scouts.join(new Scout(scoutId, [], { model: new Uint8Array([1, 2]) }))).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_MODEL' }) as Error
    )
    expect(() => shard.scouts.join(new Scout(scoutId, [], { tokenizer: new Uint8Array(32) }))).toThrow(
      expect.objectContaining({ code: 'INCOMPATIBLE' }) as Error
    )
    expect(shard.scouts.size).toBe(0)
  })

  it.each<[string, () => Partial<Ask>, string]>([
    ['another model', () => ({ model: manifest.target.cid.bytes }), 'UNKNOWN_MODEL'],
    ['an empty prompt', () => ({ messages: [], prompt: '' }), 'INVALID_REQUEST'],
    ['a prompt that is too long', () => ({ messages: [], prompt: 'word '.repeat(500) }), 'CONTEXT_OVERFLOW'],
    ['more tokens than fit', () => ({ committed: Array<number>(250).fill(300) }), 'CONTEXT_OVERFLOW'],
    ['a committed token that does not exist', () => ({ committed: [8_192] }), 'MALFORMED']
  ])('refuses %s', async (_, changes, code) => {
    await expect(answer(changes())).rejects.toMatchObject({ code })
    expect(onChange).not.toHaveBeenCalled()
  })

  it('lets others wait, tells them so, and serves them in turn', async () => {
    const first = shard.answer(ask(), { peer: consumer, signal: new AbortController().signal })[Symbol.asyncIterator]()
    await first.next()
    expect(shard.offer).toMatchObject({ slots: 1, active: 1, queued: 0 })
    const second = answer({ maxTokens: 3 })
    await until(() => expect(shard.offer.queued).toBe(1))
    await first.return?.()
    const { responses, tokens } = await second
    expect(responses[0]).toEqual({ progress: { queuePosition: 1, prefilledTokens: 0 } })
    expect(tokens).toHaveLength(3)
  })

  it('stops when the Consumer leaves, in the queue and in mid-answer, and frees the slot', async () => {
    const reason = new Error('gone')
    const [inAnswer, inQueue] = [new AbortController(), new AbortController()]
    const first = answer({}, inAnswer.signal)
    await until(() => expect(shard.offer.active).toBe(1))
    const second = answer({}, inQueue.signal)
    await until(() => expect(shard.offer.queued).toBe(1))
    inQueue.abort(reason)
    await expect(second).rejects.toBe(reason)
    inAnswer.abort(reason)
    await expect(first).rejects.toBe(reason)
    expect(shard.offer).toMatchObject({ active: 0, queued: 0 })
    expect((await answer({ maxTokens: 2 })).tokens).toHaveLength(2)
  })

  it('tells everyone that it stops', async () => {
    const first = answer()
    await until(() => expect(shard.offer.active).toBe(1))
    const second = answer()
    await until(() => expect(shard.offer.queued).toBe(1))
    shard.close()
    await expect(first).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await expect(second).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await expect(answer()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })

  it('says what it offers', () => {
    expect(shard.offer).toEqual({
      models: [{ manifest: model, name: manifest.name }],
      slots: 1,
      active: 0,
      queued: 0,
      scoutsWanted: 8,
      speed: target.speed
    })
  })
})
