import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import OpenAI, { APIError, BadRequestError, InternalServerError, NotFoundError } from 'openai'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ShardError, type FaultCode } from '@shard/protocol/errors'
import { createShim, type OfferedModel, type Shim, type ShimInit } from './index.ts'
import type { AnswerEvent, AnswerFigures, Question } from '@shard/protocol/consume'
import type { AbortOptions } from '@libp2p/interface'

const TINY = CID.parse('bafyreif4o2mszkebteui3ljoc5lv6obpktoxitt3u6lfx6fhghpp573lae')
const OTHER = CID.parse('bafyreifd2mfuj3y5bwzjssq2zeshew7k62wbm672cckgipk6fmrd5fi6cq')
const MODELS: OfferedModel[] = [
  { cid: OTHER, name: 'shard-tiny', shards: 1 },
  { cid: TINY, name: 'shard-tiny', shards: 2 }
]
const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const FIGURES: AnswerFigures = {
  promptTokens: 12,
  completionTokens: 3,
  draftedTokens: 2,
  acceptedTokens: 1,
  rounds: 2,
  prefillMs: 1,
  decodeMs: 2,
  seed: 7
}

/** What a Consumer gives; a promise is waited for, a function called. */
type Step = AnswerEvent | Error | Promise<unknown> | (() => void)

const shard: AnswerEvent = { type: 'shard', peer, attempt: 1, path: 'direct' }
const accepted: AnswerEvent = { type: 'accepted', promptTokens: 12 }
const done: AnswerEvent = { type: 'done', reason: 'stop', text: '', figures: FIGURES }

function commit(position: number, text: string): AnswerEvent {
  return { type: 'commit', position, tokens: [position], text, drafted: 0 }
}

/** As recorded from a Shard that was busy at first. */
const PARIS: Step[] = [
  { type: 'searching' },
  shard,
  { type: 'queued', ahead: 1 },
  { type: 'prefill', prefilledTokens: 0 },
  accepted,
  commit(0, 'Par'),
  commit(1, ''),
  commit(2, 'is'),
  { type: 'done', reason: 'stop', text: '.', figures: FIGURES }
]

let steps: Step[]
let asked: Array<{ question: Question; signal: AbortSignal }>
let shim: Shim
let url: string
let client: OpenAI

async function* ask(question: Question, { signal }: AbortOptions = {}): AsyncGenerator<AnswerEvent, void, undefined> {
  if (signal == null) {
    throw new Error('The server must be able to stop an answer.')
  }
  asked.push({ question, signal })
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
  aborted.catch(() => {})
  for (const step of steps) {
    if (step instanceof Error) {
      throw step
    }
    if (step instanceof Promise) {
      await Promise.race([step, aborted])
    } else if (typeof step === 'function') {
      step()
    } else {
      yield step
    }
  }
}

function create(init: Partial<ShimInit> = {}): Shim {
  return createShim({
    consumer: { ask },
    models: async () => MODELS,
    relays: () => ['/ip4/127.0.0.1/tcp/9090/ws/p2p/12D3KooWRelay'],
    log: pino({ level: 'silent' }),
    ...init
  })
}

function gate(): { opened: Promise<unknown>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  return { opened: promise, open: () => resolve(undefined) }
}

const never = new Promise<never>(() => {})

async function post(body: unknown, options: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...options
  })
}

const HELLO = { model: 'shard-tiny', messages: [{ role: 'user' as const, content: 'What is the capital of France?' }] }

beforeEach(async () => {
  steps = PARIS
  asked = []
  shim = create()
  url = await shim.listen(0)
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
})

afterEach(async () => {
  await shim.close()
})

describe('models', () => {
  it('are listed once each, the most served one under its name', async () => {
    const { data } = await client.models.list()
    expect(data).toEqual([
      expect.objectContaining({ id: 'shard-tiny', object: 'model', cid: TINY.toString(), shards: 2 }),
      expect.objectContaining({ id: OTHER.toString(), cid: OTHER.toString(), shards: 1 })
    ])
  })

  it('are found by name and by CID', async () => {
    expect(await client.models.retrieve('shard-tiny')).toMatchObject({ cid: TINY.toString() })
    expect(await client.models.retrieve(TINY.toString())).toMatchObject({ id: 'shard-tiny' })
    expect(await client.models.retrieve(OTHER.toString())).toMatchObject({ id: OTHER.toString() })
    await expect(client.models.retrieve('gpt-4')).rejects.toThrow(NotFoundError)
  })

  it.each([
    ['shard-tiny', TINY],
    [TINY.toString(), TINY],
    [OTHER.toString(), OTHER],
    // nobody announces it; the DHT may know
    ['bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy', undefined]
  ])('are asked for as %s', async (model, cid) => {
    await client.chat.completions.create({ ...HELLO, model })
    expect(asked[0]?.question.model.toString()).toBe(cid?.toString() ?? model)
  })

  it('that nobody serves are an error', async () => {
    await expect(client.chat.completions.create({ ...HELLO, model: 'gpt-4' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model'
    })
    expect(asked).toEqual([])
  })
})

describe('an answer', () => {
  it('comes whole', async () => {
    const { data, response } = await client.chat.completions
      .create({ ...HELLO, temperature: 0, top_p: 0.9 })
      .withResponse()
    expect(data).toEqual({
      id: expect.stringMatching(/^chatcmpl-/) as string,
      object: 'chat.completion',
      created: expect.any(Number) as number,
      model: 'shard-tiny',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Paris.', refusal: null },
          logprobs: null,
          finish_reason: 'stop'
        }
      ],
      usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
    })
    expect(response.headers.get('x-shard-peer')).toBe(peer.toString())
    expect(response.headers.get('x-shard-path')).toBe('direct')
    expect(asked[0]?.question).toMatchObject({ messages: HELLO.messages, sampling: { temperature: 0, topP: 0.9 } })
  })

  it('comes as a stream of events', async () => {
    const response = await post({ ...HELLO, stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-shard-peer')).toBe(peer.toString())
    const events = (await response.text()).split('\n\n')
    expect(events.splice(-2)).toEqual(['data: [DONE]', ''])
    const chunks = events.map((event) => JSON.parse(event.replace(/^data: /, '')) as { id: string })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks).toMatchObject([
      {
        object: 'chat.completion.chunk',
        choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }]
      },
      { choices: [{ delta: { content: 'Par' }, finish_reason: null }] },
      { choices: [{ delta: { content: 'is' }, finish_reason: null }] },
      { choices: [{ delta: { content: '.' }, finish_reason: null }] },
      { choices: [{ delta: {}, finish_reason: 'stop' }] }
    ])
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false)
  })

  it('streams to the official client, with its usage', async () => {
    steps = [shard, accepted, commit(0, 'Paris'), { ...done, reason: 'length' }]
    const stream = await client.chat.completions.create({
      ...HELLO,
      stream: true,
      stream_options: { include_usage: true }
    })
    const chunks = []
    for await (const chunk of stream) {
      chunks.push(chunk)
    }
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Paris')
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, 'length', undefined])
    expect(chunks.map(({ usage }) => usage?.total_tokens)).toEqual([undefined, undefined, undefined, 15])
  })

  it('is sent piece by piece, as it is committed', async () => {
    const rest = gate()
    steps = [shard, accepted, commit(0, 'Par'), rest.opened, commit(1, 'is'), done]
    const stream = await client.chat.completions.create({ ...HELLO, stream: true })
    let text = ''
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? ''
      if (text === 'Par') {
        rest.open()
      }
    }
    expect(text).toBe('Paris')
  })

  it('that moves to another Shard goes on', async () => {
    const cause = new ShardError('DISCONNECTED', 'The Shard is gone.')
    const again: AnswerEvent = { ...shard, attempt: 2 }
    steps = [shard, accepted, commit(0, 'Par'), { type: 'moved', from: peer, position: 1, cause }, again, accepted]
    steps.push(commit(1, 'is'), done)
    const { choices } = await client.chat.completions.create(HELLO)
    expect(choices[0]?.message.content).toBe('Paris')
  })

  it('may be empty', async () => {
    steps = [shard, done]
    const { choices } = await client.chat.completions.create(HELLO)
    expect(choices[0]?.message.content).toBe('')
  })

  it('is drafted by whom the owner of this server allows', async () => {
    await shim.close()
    shim = create({ draftPolicy: 'own' })
    url = await shim.listen(0)
    await post(HELLO)
    expect(asked[0]?.question.draftPolicy).toBe('own')
  })
})

describe('an error', () => {
  it.each<[FaultCode, number, string | null]>([
    ['INVALID_REQUEST', 400, null],
    ['OVERSIZED', 400, null],
    ['CONTEXT_OVERFLOW', 400, 'context_length_exceeded'],
    ['UNKNOWN_MODEL', 404, 'model_not_found'],
    ['NO_SHARD', 503, 'no_shard'],
    ['BUSY', 503, 'busy'],
    ['DISCONNECTED', 502, 'disconnected'],
    ['TIMEOUT', 502, 'timeout'],
    ['MALFORMED', 502, 'malformed']
  ])('%s before the answer has status %i', async (fault, status, code) => {
    for (const stream of [false, true]) {
      steps = [shard, { type: 'queued', ahead: 0 }, new ShardError(fault, 'What to do.')]
      const response = await post({ ...HELLO, stream })
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ error: { message: 'What to do.', code } })
      expect(response.headers.has('retry-after')).toBe(status === 503)
    }
  })

  it('of the official client has its class', async () => {
    steps = [new ShardError('CONTEXT_OVERFLOW', 'Too long.')]
    await expect(client.chat.completions.create(HELLO)).rejects.toThrow(BadRequestError)
    steps = [new ShardError('NO_SHARD', 'None.')]
    await expect(client.chat.completions.create(HELLO)).rejects.toThrow(InternalServerError)
    await expect(client.chat.completions.create({ ...HELLO, n: 2 })).rejects.toMatchObject({ param: 'n', status: 400 })
  })

  it('in mid-answer ends the stream with an error, and without [DONE]', async () => {
    steps = [shard, accepted, commit(0, 'Par'), new ShardError('DISCONNECTED', 'The Shard is gone; ask again.')]
    const text = await (await post({ ...HELLO, stream: true })).text()
    expect(text).toContain('"content":"Par"')
    expect(text).toMatch(/data: \{"error":\{"message":"The Shard is gone; ask again\.".*"code":"disconnected"\}\}\n\n$/)
    const stream = await client.chat.completions.create({ ...HELLO, stream: true })
    const read = async (): Promise<void> => {
      for await (const _chunk of stream) {
        // only its end matters
      }
    }
    await expect(read()).rejects.toThrow(APIError)
  })

  it('in mid-answer has a status where nothing was sent yet', async () => {
    steps = [shard, accepted, commit(0, 'Par'), new ShardError('DISCONNECTED', 'Gone.')]
    expect((await post(HELLO)).status).toBe(502)
  })

  it('of our own tells no details', async () => {
    steps = [new Error('secret path')]
    const response = await post(HELLO)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
  })

  it.each([
    ['no JSON', 400, { body: '{' }],
    ['another type', 415, { headers: { 'content-type': 'text/plain' } }],
    ['more than the limit', 413, { body: `"${'x'.repeat(5 * 1024 * 1024)}"` }]
  ])('answers %s with %i', async (_what, status, options: RequestInit) => {
    const response = await post(HELLO, options)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
  })

  it('names what is not there', async () => {
    const response = await fetch(`${url}/v1/embeddings`, { method: 'POST' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { message: 'There is nothing at POST /v1/embeddings.' } })
  })
})

describe('a client that goes away', () => {
  it.each<[string, boolean, Step[]]>([
    ['while a stream runs', true, [shard, accepted, commit(0, 'Par')]],
    ['while it waits for a whole answer', false, [shard, accepted, commit(0, 'Par')]],
    ['before any Shard was found', true, [{ type: 'searching' }]]
  ])('%s stops the generation', async (_when, stream, script) => {
    const reached = gate()
    steps = [...script, reached.open, never]
    const leave = new AbortController()
    const read = post({ ...HELLO, stream }, { signal: leave.signal }).then(async (response) => response.text())
    await reached.opened
    const signal = asked[0]?.signal
    expect(signal?.aborted).toBe(false)
    const aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve))
    leave.abort()
    await expect(read).rejects.toThrow()
    await aborted
  })
})

describe('the server', () => {
  it('says that it is well, and where the swarm is', async () => {
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok', models: 2 })
    const bootstrap = await fetch(`${url}/bootstrap.json`)
    expect(bootstrap.headers.get('cache-control')).toBe('no-store')
    expect(await bootstrap.json()).toEqual({ relays: ['/ip4/127.0.0.1/tcp/9090/ws/p2p/12D3KooWRelay'] })
  })

  it('ends running answers with an error when it closes', async () => {
    steps = [shard, accepted, commit(0, 'Par'), never]
    const response = await post({ ...HELLO, stream: true })
    const text = response.text()
    await shim.close()
    expect(await text).toContain('"code":"shutting_down"')
    expect(shim.url).toBeUndefined()
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  })

  it('says what to do when its port is taken', async () => {
    const second = create()
    await expect(second.listen(Number(new URL(url).port))).rejects.toMatchObject({
      name: 'ShimError',
      code: 'PORT_TAKEN'
    })
  })

  it('listens to this machine only', async () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    await expect(create().listen(0, '0.0.0.0')).rejects.toMatchObject({ code: 'NOT_LOOPBACK' })
  })
})
