import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { peerIdFromString } from '@libp2p/peer-id'
import { ShardError } from '@shard/protocol/errors'
import type { AnswerEvent, Question } from '@shard/protocol/consume'
import {
  acceptedTokens,
  applyEvent,
  canContinue,
  driveAnswer,
  newAnswer,
  resumeAnswer,
  tokensPerSecond,
  type Answer,
  type AskFn
} from './answer.ts'

const PEER = peerIdFromString('12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf')
const OTHER = peerIdFromString('12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5')
const MODEL = CID.parse('bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const QUESTION: Question = { model: MODEL, messages: [{ role: 'user', content: 'Hello' }] }
const FIGURES = {
  promptTokens: 12,
  completionTokens: 3,
  draftedTokens: 4,
  acceptedTokens: 2,
  rounds: 2,
  prefillMs: 5,
  decodeMs: 20,
  seed: 7
}

const fresh = (): Answer => newAnswer({ model: MODEL.toString(), seed: 7, maxTokens: 0, policy: 'anyone' }, 0)
const shard: AnswerEvent = { type: 'shard', peer: PEER, attempt: 1, path: 'direct' }
const done: AnswerEvent = { type: 'done', reason: 'stop', text: '', figures: FIGURES }
const commit = (position: number, tokens: number[], text: string, drafted = 0, scout?: string): AnswerEvent => ({
  type: 'commit',
  position,
  tokens,
  text,
  drafted,
  scout
})

/** Replays events; an Error among them is thrown at its place. */
function replay(...events: (AnswerEvent | Error)[]): AskFn {
  return async function* () {
    for (const event of events) {
      if (event instanceof Error) throw event
      yield event
    }
  }
}

async function drive(answer: Answer, ask: AskFn, signal = new AbortController().signal): Promise<string[]> {
  const phases: string[] = []
  let now = 0
  await driveAnswer(answer, QUESTION, {
    ask,
    signal,
    now: () => (now += 100),
    onChange: () => {
      if (phases.at(-1) !== answer.phase) phases.push(answer.phase)
    }
  })
  return phases
}

describe('driveAnswer', () => {
  it('goes through every phase of a plain answer', async () => {
    const answer = fresh()
    const phases = await drive(
      answer,
      replay(
        { type: 'searching' },
        shard,
        { type: 'queued', ahead: 2 },
        { type: 'queued', ahead: 0 },
        { type: 'prefill', prefilledTokens: 8 },
        { type: 'accepted', promptTokens: 12 },
        commit(0, [10], 'Pa'),
        commit(1, [11, 12], 'ris', 2, 'scout-a'),
        { type: 'done', reason: 'stop', text: '.', figures: FIGURES }
      )
    )
    expect(phases).toEqual(['searching', 'prefill', 'queued', 'prefill', 'streaming', 'done'])
    expect(answer).toMatchObject({
      text: 'Paris.',
      tokens: [10, 11, 12],
      peer: PEER.toString(),
      path: 'direct',
      finish: 'stop',
      promptTokens: 12,
      draftedTokens: 4,
      drafts: { 'scout-a': 2 }
    })
    expect(acceptedTokens(answer)).toBe(2)
    expect(canContinue(answer)).toBe(false)
  })

  it("counts drafts by who made them, the Shard's own look-up apart", async () => {
    const answer = fresh()
    await drive(
      answer,
      replay(
        shard,
        commit(0, [1, 2, 3], 'abc', 2, 'a'),
        commit(3, [4, 5], 'de', 1),
        commit(5, [6, 7], 'fg', 1, 'a'),
        done
      )
    )
    expect(answer.drafts).toEqual({ a: 3, '': 1 })
  })

  it('measures the speed on the tokens after the first commit', async () => {
    const answer = fresh()
    // One event each 100 ms: the first commit at 200, the last at 400.
    await drive(
      answer,
      replay(shard, commit(0, [1, 2, 3, 4], 'abcd'), commit(4, [5, 6], 'ef'), commit(6, [7, 8], 'gh'), done)
    )
    expect(tokensPerSecond(answer)).toBeCloseTo(4 / 0.2)
  })

  it('knows no speed of an answer that came in one piece', async () => {
    const answer = fresh()
    await drive(answer, replay(shard, commit(0, [1, 2], 'ab'), done))
    expect(tokensPerSecond(answer)).toBeUndefined()
  })

  it('goes on at the same position on the next Shard', async () => {
    const answer = fresh()
    const phases = await drive(
      answer,
      replay(
        shard,
        commit(0, [1, 2], 'ab'),
        { type: 'moved', from: PEER, position: 2, cause: new Error('gone') },
        { type: 'shard', peer: OTHER, attempt: 2, path: 'relayed' },
        commit(2, [3], 'c'),
        done
      )
    )
    expect(phases).toEqual(['prefill', 'streaming', 'searching', 'prefill', 'streaming', 'done'])
    expect(answer).toMatchObject({
      text: 'abc',
      tokens: [1, 2, 3],
      peer: OTHER.toString(),
      path: 'relayed',
      attempt: 2
    })
    expect(answer.moves).toEqual([{ from: PEER.toString(), position: 2, cause: 'gone' }])
  })

  it('keeps what came before a failure, with the code to act on', async () => {
    const answer = fresh()
    await drive(answer, replay(shard, commit(0, [1], 'a'), new ShardError('DISCONNECTED', 'The Shard is gone.')))
    expect(answer).toMatchObject({
      phase: 'failed',
      text: 'a',
      tokens: [1],
      error: { code: 'DISCONNECTED', message: 'The Shard is gone.' }
    })
    expect(canContinue(answer)).toBe(true)
  })

  it('says so where the events end without an end of the answer', async () => {
    const answer = fresh()
    await drive(answer, replay(shard, commit(0, [1], 'a')))
    expect(answer).toMatchObject({ phase: 'failed', error: { code: 'DISCONNECTED' } })
  })

  it('is stopped, not failed, when the person stops it', async () => {
    const answer = fresh()
    const controller = new AbortController()
    const ask: AskFn = async function* () {
      yield shard
      yield commit(0, [1], 'a')
      controller.abort()
      throw new ShardError('DISCONNECTED', 'The stream was reset.')
    }
    await drive(answer, ask, controller.signal)
    expect(answer).toMatchObject({ phase: 'stopped', text: 'a', tokens: [1] })
    expect(answer.error).toBeUndefined()
  })

  it('takes nothing more in once it is stopped', async () => {
    const answer = fresh()
    const controller = new AbortController()
    const ask: AskFn = async function* () {
      yield commit(0, [1], 'a')
      controller.abort()
      yield commit(1, [2], 'b')
    }
    await drive(answer, ask, controller.signal)
    expect(answer).toMatchObject({ phase: 'stopped', text: 'a', tokens: [1] })
  })

  it('a continued answer keeps its tokens and forgets its error', async () => {
    const answer = fresh()
    await drive(answer, replay(shard, commit(0, [1, 2], 'ab'), new ShardError('TIMEOUT', 'Silence.')))
    resumeAnswer(answer, 5_000)
    expect(answer).toMatchObject({ phase: 'waking', text: 'ab', tokens: [1, 2], startedAt: 5_000 })
    expect(answer.error).toBeUndefined()
    await drive(answer, replay(shard, commit(2, [3], 'c'), done))
    expect(answer).toMatchObject({ phase: 'done', text: 'abc', tokens: [1, 2, 3] })
  })

  it('gives the same answer however the tokens are cut into commits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(50_000), { minLength: 1, maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 9 })),
        async (tokens, cuts) => {
          const events: AnswerEvent[] = []
          for (let at = 0, cut = 0; at < tokens.length; cut++) {
            const part = tokens.slice(at, at + (cuts[cut % Math.max(cuts.length, 1)] ?? 3))
            events.push(commit(at, part, part.map((token) => `${token} `).join('')))
            at += part.length
          }
          const answer = fresh()
          await drive(answer, replay(shard, ...events, done))
          expect(answer.phase).toBe('done')
          expect(answer.tokens).toEqual(tokens)
          expect(answer.text).toBe(tokens.map((token) => `${token} `).join(''))
        }
      )
    )
  })

  it('refuses every commit that is not at the next position, and keeps the tokens before it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(20), fc.nat(40), async (length, position) => {
        fc.pre(position !== length)
        const answer = fresh()
        const tokens = Array.from({ length }, (_, index) => index)
        const events = tokens.map((token) => commit(token, [token], 'x'))
        await drive(answer, replay(shard, ...events, commit(position, [99], 'bad'), done))
        expect(answer.phase).toBe('failed')
        expect(answer.error?.code).toBe('OUT_OF_ORDER')
        expect(answer.tokens).toEqual(tokens)
        expect(answer.text).toBe('x'.repeat(length))
      })
    )
  })
})

describe('applyEvent', () => {
  it('shows being queued only while somebody is before us', () => {
    const answer = fresh()
    applyEvent(answer, { type: 'queued', ahead: 3 }, 0)
    expect(answer).toMatchObject({ phase: 'queued', ahead: 3 })
    applyEvent(answer, { type: 'queued', ahead: 0 }, 0)
    expect(answer.phase).toBe('prefill')
  })
})
