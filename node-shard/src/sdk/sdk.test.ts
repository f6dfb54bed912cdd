import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ShardError } from '@shard/protocol/errors'
import { createShim, type Shim } from '../shim/index.ts'
import { GenerateError, ShardDistributedModel, type LoadOptions } from './index.ts'
import type { AnswerEvent, Question } from '@shard/protocol/consume'
import type { AbortOptions } from '@libp2p/interface'

const TINY = CID.parse('bafyreif4o2mszkebteui3ljoc5lv6obpktoxitt3u6lfx6fhghpp573lae')
const KEY = 'schlüssel/+='
const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const FIGURES = {
  promptTokens: 5,
  completionTokens: 3,
  draftedTokens: 0,
  acceptedTokens: 0,
  rounds: 3,
  prefillMs: 1,
  decodeMs: 1,
  seed: 9
}

let asked: Question[]
let signals: AbortSignal[]
/** What happens after the second token. */
let middle: (signal: AbortSignal) => Promise<void>
let shim: Shim
let url: string

async function* ask(question: Question, { signal }: AbortOptions = {}): AsyncGenerator<AnswerEvent, void, undefined> {
  asked.push(question)
  signals.push(signal!)
  yield { type: 'shard', peer, attempt: 1, path: 'local' }
  yield { type: 'commit', position: 0, tokens: [1], text: 'Größe', drafted: 0 }
  yield { type: 'commit', position: 1, tokens: [2, 3], text: '', drafted: 0 }
  await middle(signal!)
  yield { type: 'done', reason: 'stop', text: '!', figures: FIGURES }
}

/** An answer that goes on until it is cancelled. */
async function forever(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

async function aborted(): Promise<void> {
  await expect.poll(() => signals[0]?.aborted).toBe(true)
}

beforeEach(async () => {
  asked = []
  signals = []
  middle = async () => {}
  shim = createShim({
    consumer: { ask },
    models: async () => [{ cid: TINY, name: 'tiny', shards: 1 }],
    relays: () => [],
    apiKey: KEY,
    log: pino({ level: 'silent' })
  })
  url = await shim.listen(0)
})

afterEach(async () => {
  await shim.close()
})

async function load(transport: LoadOptions['transport'], options: LoadOptions = {}): Promise<ShardDistributedModel> {
  return transport === 'p2p'
    ? ShardDistributedModel.fromPretrained(TINY.toString(), { consumer: { ask } })
    : ShardDistributedModel.fromPretrained('tiny', { transport, routerUrl: url, apiKey: KEY, ...options })
}

describe.each(['websocket', 'http_poll', 'p2p'] as const)('a model over %s', (transport) => {
  it('generates', async () => {
    const model = await load(transport)
    expect(await model.generate('Wie?', { maxNewTokens: 8, temperature: 0.5, topK: 3, seed: 9, stop: 'x' })).toEqual({
      text: 'Größe!',
      tokenIds: [1, 2, 3],
      finishReason: 'stop',
      promptTokens: 5,
      seed: 9
    })
    expect(asked[0]).toMatchObject({
      prompt: 'Wie?',
      maxTokens: 8,
      stop: ['x'],
      sampling: { temperature: 0.5, topK: 3, seed: 9 }
    })
    expect(asked[0]?.model.toString()).toBe(TINY.toString())
    await model.close()
  })

  it('streams', async () => {
    let open: () => void = () => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    middle = async () => gate
    const model = await load(transport)
    const pieces = []
    for await (const piece of model.streamGenerate([{ role: 'user', content: 'Hi' }])) {
      pieces.push(piece)
      if (pieces.length === 2) {
        open()
      }
    }
    expect(pieces).toEqual([
      { text: 'Größe', tokenIds: [1] },
      { text: '', tokenIds: [2, 3] },
      { text: '!', tokenIds: [] }
    ])
    expect(asked[0]?.messages).toEqual([{ role: 'user', content: 'Hi' }])
    await model.close()
  })

  it('works like a pipeline of transformers.js', async () => {
    const { pipeline } = await load(transport)
    expect(await pipeline('Wie?', { max_new_tokens: 8, do_sample: false })).toEqual([{ generated_text: 'Wie?Größe!' }])
    expect(asked[0]).toMatchObject({ maxTokens: 8, sampling: { temperature: 0 } })
    const messages = [{ role: 'user' as const, content: 'Hi' }]
    expect(await pipeline(messages)).toEqual([
      { generated_text: [...messages, { role: 'assistant', content: 'Größe!' }] }
    ])
  })

  it('stops when the caller leaves the loop', async () => {
    middle = forever
    const model = await load(transport)
    for await (const _piece of model.streamGenerate('Wie?')) {
      break
    }
    await aborted()
    await model.close()
  })

  it('stops by a signal, and by close', async () => {
    middle = forever
    const model = await load(transport)
    const leave = new AbortController()
    const first = expect(model.generate('Wie?', { signal: leave.signal })).rejects.toThrow('enough')
    await expect.poll(() => signals.length).toBe(1)
    leave.abort(new Error('enough'))
    await first
    const second = expect(model.generate('Wie?')).rejects.toMatchObject({ name: 'GenerateError', code: 'closed' })
    await expect.poll(() => signals.length).toBe(2)
    await model.close()
    await second
    await expect.poll(() => signals[1]?.aborted).toBe(true)
    await expect(model.generate('Wie?')).rejects.toMatchObject({ code: 'closed' })
  })

  it('tells of an error in mid-answer', async () => {
    middle = async () => {
      throw new ShardError('DISCONNECTED', 'The Shard is gone.')
    }
    const model = await load(transport)
    const error = new GenerateError('The Shard is gone.', { status: 502, code: 'disconnected' })
    await expect(model.generate('Wie?')).rejects.toThrow(error)
    await model.close()
  })

  it('refuses what it cannot do', async () => {
    const model = await load(transport)
    await expect(model.generate('Wie?', { temperature: 99 })).rejects.toMatchObject({ status: 400 })
    await expect(model.generate([1, 2] as never)).rejects.toThrow('token ids are not supported yet')
    await expect(model.generate('')).rejects.toMatchObject({ status: 400 })
  })
})

describe.each(['websocket', 'http_poll'] as const)('a server that %s', (transport) => {
  it('asks for its key', async () => {
    const model = await load(transport, { apiKey: 'guess' })
    await expect(model.generate('Wie?')).rejects.toThrow(GenerateError)
    expect(asked).toEqual([])
  })

  it('is not there says what to do', async () => {
    await shim.close()
    const model = await load(transport)
    await expect(model.generate('Wie?')).rejects.toThrow('running there')
  })

  it('does not know the model says so', async () => {
    const model = await ShardDistributedModel.fromPretrained('gpt', { transport, routerUrl: url, apiKey: KEY })
    await expect(model.generate('Wie?')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })
})

describe('fromPretrained', () => {
  it('refuses another tokenizer, an unknown transport, and a swarm without a way in', async () => {
    await expect(load('websocket', { tokenizerName: 'gpt2' })).rejects.toThrow('tokenizes')
    await expect(load('pigeon' as never)).rejects.toThrow('no transport')
    await expect(ShardDistributedModel.fromPretrained('tiny', { transport: 'p2p' })).rejects.toThrow('relays')
    expect(await load('websocket', { tokenizerName: 'tiny' })).toBeInstanceOf(ShardDistributedModel)
  })
})

describe('polls', () => {
  const headers = { authorization: `Bearer ${encodeURIComponent('x')}`, 'content-type': 'application/json' }

  it('are refused without a key, and for answers that are not there', async () => {
    expect((await fetch(`${url}/pop-result?request_id=1`, { headers })).status).toBe(401)
    await shim.close()
    shim = createShim({ consumer: { ask }, models: async () => [], relays: () => [], log: pino({ level: 'silent' }) })
    url = await shim.listen(0)
    expect((await fetch(`${url}/pop-result?request_id=1`)).status).toBe(400)
    expect((await fetch(`${url}/pop-result?request_id=${crypto.randomUUID()}`)).status).toBe(404)
  })

  it('are limited in number', async () => {
    await shim.close()
    middle = forever
    const models = async () => [{ cid: TINY, name: 'tiny', shards: 1 }]
    shim = createShim({ consumer: { ask }, models, relays: () => [], log: pino({ level: 'silent' }) })
    url = await shim.listen(0)
    const start = async (): Promise<number> => {
      const body = JSON.stringify({ model: 'tiny', prompt: 'a' })
      const response = await fetch(`${url}/broadcast-work`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body
      })
      await response.text()
      return response.status
    }
    const statuses = await Promise.all(Array.from({ length: 70 }, start))
    expect(statuses.filter((status) => status === 202)).toHaveLength(64)
    expect(statuses.filter((status) => status === 503)).toHaveLength(6)
  })
})

describe('a WebSocket', () => {
  async function closing(act: (socket: WebSocket) => void): Promise<CloseEvent> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/generate`, [
      'shard-generate-1',
      `shard-api-key.${Buffer.from(KEY).toString('base64url')}`
    ])
    return new Promise((resolve) => {
      socket.addEventListener('open', () => act(socket))
      socket.addEventListener('close', resolve)
    })
  }

  it.each<[string, (socket: WebSocket) => void]>([
    ['no JSON', (socket) => socket.send('{')],
    ['bytes', (socket) => socket.send(new Uint8Array(8))],
    ['something else than a request', (socket) => socket.send('[]')]
  ])('with %s is told so, and closed', async (_what, act) => {
    let heard = ''
    const { code } = await closing((socket) => {
      socket.addEventListener('message', ({ data }) => (heard += String(data)))
      act(socket)
    })
    expect(code).toBe(1000)
    expect(JSON.parse(heard)).toMatchObject({ event: 'error', status: 400 })
  })

  it('with a second request, or too long a one, is closed', async () => {
    middle = forever
    const body = JSON.stringify({ model: 'tiny', prompt: 'a' })
    expect((await closing((socket) => [body, body].forEach((text) => socket.send(text)))).code).toBe(1008)
    expect((await closing((socket) => socket.send('x'.repeat(5 * 1024 * 1024)))).code).toBe(1009)
    await aborted()
  })
})
