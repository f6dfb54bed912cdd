import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CID } from 'multiformats/cid'
import { peerIdFromString } from '@libp2p/peer-id'
import { ShardError } from '@shard/protocol/errors'
import type { AnswerEvent, Question } from '@shard/protocol/consume'
import type { AskFn } from './answer.ts'
import { Chat } from './chat.svelte.ts'
import type { FarewellStorage } from './farewell.ts'
import { ChatDatabase, DEFAULT_SETTINGS, type Message } from './db.ts'

const PEER = peerIdFromString('12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf')
const MODEL = CID.parse('bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const FIGURES = {
  promptTokens: 1,
  completionTokens: 2,
  draftedTokens: 0,
  acceptedTokens: 0,
  rounds: 2,
  prefillMs: 1,
  decodeMs: 1,
  seed: 1
}
const SHARD: AnswerEvent = { type: 'shard', peer: PEER, attempt: 1, path: 'direct' }
const DONE: AnswerEvent = { type: 'done', reason: 'stop', text: '', figures: FIGURES }
const commit = (position: number, tokens: number[], text: string): AnswerEvent => ({
  type: 'commit',
  position,
  tokens,
  text,
  drafted: 0
})

const map = new Map<string, string>()
const storage = (): FarewellStorage => ({
  get length() {
    return map.size
  },
  key: (index) => [...map.keys()][index] ?? null,
  getItem: (key) => map.get(key) ?? null,
  setItem: (key, value) => void map.set(key, value),
  removeItem: (key) => void map.delete(key)
})

let db: ChatDatabase
let asked: Question[]
let script: AskFn
const errors: string[] = []

beforeEach(() => {
  db = new ChatDatabase('test')
  asked = []
  errors.length = 0
  map.clear()
})
afterEach(async () => {
  await db.delete()
})

function chat(): Chat {
  return new Chat({
    db,
    storage,
    onError: (message) => errors.push(message),
    connect: async () => ({
      model: (cid) => ({ cid: cid == null ? MODEL : CID.parse(cid), name: 'tiny' }),
      ask: (question, options) => {
        asked.push(question)
        return script(question, options)
      }
    })
  })
}

/** Fails before the first event. */
const refuse =
  (error: Error): AskFn =>
  () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) })

const answerIn = async (conversation: string): Promise<Message> => {
  const message = (await db.history(conversation)).find(({ role }) => role === 'assistant')
  if (message == null) throw new Error('The conversation has no answer.')
  return message
}

/** Resolves once the stored answer is in the given phase. */
async function stored(conversation: string, phase: string): Promise<Message> {
  await vi.waitFor(async () => expect((await answerIn(conversation)).answer?.phase).toBe(phase))
  return answerIn(conversation)
}

describe('Chat', () => {
  it('stores question and answer, and asks with the instructions and the whole conversation', async () => {
    script = async function* () {
      yield* [SHARD, commit(0, [1], 'Pa'), commit(1, [2], 'ris'), DONE]
    }
    const one = chat()
    const settings = { ...DEFAULT_SETTINGS, system: ' Be short. ', seed: 5, policy: 'own' as const }
    const id = await one.send(undefined, 'Capital of France?', settings)
    const message = await stored(id, 'done')
    expect(message.answer).toMatchObject({
      text: 'Paris',
      tokens: [1, 2],
      seed: 5,
      model: MODEL.toString(),
      peer: PEER.toString()
    })
    await vi.waitFor(() => expect(one.isRunning(message.id)).toBe(false))
    await one.send(id, 'And of Spain?', settings)
    await vi.waitFor(() => expect(asked).toHaveLength(2))
    expect(asked[1]).toMatchObject({
      draftPolicy: 'own',
      sampling: { seed: 5 },
      maxTokens: DEFAULT_SETTINGS.maxTokens,
      committed: undefined
    })
    expect(asked[1]?.messages).toEqual([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'Capital of France?' },
      { role: 'assistant', content: 'Paris' },
      { role: 'user', content: 'And of Spain?' }
    ])
  })

  it('keeps a stopped answer and continues it with its tokens and its seed', async () => {
    script = async function* (_, { signal }) {
      yield* [SHARD, commit(0, [1, 2], 'One ')]
      await new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => reject(new ShardError('DISCONNECTED', 'reset')))
      )
    }
    const one = chat()
    const id = await one.send(undefined, 'Count', DEFAULT_SETTINGS)
    const message = await stored(id, 'streaming')
    one.stop(message.id)
    const stopped = await stored(id, 'stopped')
    await vi.waitFor(() => expect(one.isRunning(message.id)).toBe(false))

    script = async function* () {
      yield* [SHARD, commit(2, [3], 'two'), DONE]
    }
    await one.continue(stopped, DEFAULT_SETTINGS)
    const { answer } = await stored(id, 'done')
    expect(answer).toMatchObject({ text: 'One two', tokens: [1, 2, 3] })
    expect(asked[1]?.committed).toEqual([1, 2])
    expect(asked[1]?.sampling?.seed).toBe(asked[0]?.sampling?.seed)
  })

  it('hands what a closed page had received to the next one, to be continued', async () => {
    script = async function* () {
      yield* [SHARD, commit(0, [1], 'Ha'), commit(1, [2], 'lf')]
      await new Promise(() => undefined)
    }
    const id = await db.create('Closed', DEFAULT_SETTINGS)
    const closed = chat()
    await closed.send(id.id, 'Hello', DEFAULT_SETTINGS)
    const { id: message } = await stored(id.id, 'streaming')
    closed.leave()
    // The page dies: what it wrote last is lost, and its lock is free.
    await db.messages.update(message, { 'answer.text': 'H', 'answer.tokens': [] })
    const copy = await db.messages.get(message)
    await db.messages.put({ ...copy!, id: 'after-reload' })
    map.set('shard-farewell/after-reload', map.get(`shard-farewell/${message}`) ?? '')
    await db.messages.delete(message)
    await chat().start()
    expect((await stored(id.id, 'interrupted')).answer).toMatchObject({ text: 'Half', tokens: [1, 2] })
  })

  it('leaves an answer alone that another tab still receives', async () => {
    script = async function* () {
      yield* [SHARD, commit(0, [1], 'Half')]
      await new Promise(() => undefined)
    }
    const id = await chat().send(undefined, 'Hello', DEFAULT_SETTINGS)
    const message = await stored(id, 'streaming')
    await chat().start()
    const { pending } = await navigator.locks.query()
    expect(pending?.map(({ name }) => name)).toContain(`shard-answer/${message.id}`)
    expect((await answerIn(id)).answer?.phase).toBe('streaming')
  })

  it('says why the swarm could not be joined', async () => {
    const one = new Chat({
      db,
      storage,
      onError: (message) => errors.push(message),
      connect: async () => {
        throw new ShardError('NO_SHARD', 'No relay answers.')
      }
    })
    const id = await one.send(undefined, 'Hello', DEFAULT_SETTINGS)
    expect((await stored(id, 'failed')).answer?.error).toEqual({ code: 'NO_SHARD', message: 'No relay answers.' })
  })

  it('can be stopped while it is still joining the swarm', async () => {
    const one = new Chat({
      db,
      onError: (message) => errors.push(message),
      storage,
      connect: async () => new Promise(() => undefined)
    })
    const id = await one.send(undefined, 'Hello', DEFAULT_SETTINGS)
    const message = await stored(id, 'waking')
    one.stop(message.id)
    expect((await stored(id, 'stopped')).answer?.error).toBeUndefined()
  })

  it('throws a failed answer away when it is asked for again', async () => {
    script = refuse(new ShardError('BUSY', 'Full.'))
    const one = chat()
    const id = await one.send(undefined, 'Hello', DEFAULT_SETTINGS)
    const failed = await stored(id, 'failed')
    script = async function* () {
      yield* [SHARD, commit(0, [1], 'Hi'), DONE]
    }
    await one.retry(failed, DEFAULT_SETTINGS)
    expect((await stored(id, 'done')).answer?.text).toBe('Hi')
    expect(await db.history(id)).toHaveLength(2)
    expect(errors).toEqual([])
  })
})
