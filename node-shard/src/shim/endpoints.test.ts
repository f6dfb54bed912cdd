import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import OpenAI, { AuthenticationError, NotFoundError } from 'openai'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ShardError } from '@shard/protocol/errors'
import { SEED_LIMIT } from '@shard/protocol/sampling'
import { createShim, type Shim, type ShimInit } from './index.ts'
import type { AnswerEvent, Question } from '@shard/protocol/consume'
import type { AbortOptions } from '@libp2p/interface'

const CID_OF_TINY = CID.parse('bafyreif4o2mszkebteui3ljoc5lv6obpktoxitt3u6lfx6fhghpp573lae')
const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

let asked: Array<{ question: Question; signal?: AbortSignal }>
let answer: (question: Question, signal?: AbortSignal) => AsyncGenerator<AnswerEvent, void, undefined>
let shim: Shim
let url: string
let client: OpenAI

/** Answers with its prompt and seed, in two pieces. */
async function* parrot({
  prompt,
  messages,
  sampling,
  maxTokens
}: Question): AsyncGenerator<AnswerEvent, void, undefined> {
  yield { type: 'shard', peer, attempt: 1, path: 'local' }
  yield { type: 'accepted', promptTokens: 5 }
  yield {
    type: 'commit',
    position: 0,
    tokens: [1, 2],
    text: `<${prompt ?? messages?.at(-1)?.content ?? ''}`,
    drafted: 1
  }
  yield { type: 'commit', position: 2, tokens: [3], text: `|${sampling?.seed ?? 'none'}>`, drafted: 0 }
  yield {
    type: 'done',
    reason: maxTokens === 3 ? 'length' : 'stop',
    text: '',
    figures: {
      promptTokens: 5,
      completionTokens: 3,
      draftedTokens: 4,
      acceptedTokens: 1,
      rounds: 2,
      prefillMs: 1,
      decodeMs: 1,
      seed: sampling?.seed ?? 0
    }
  }
}

async function start(init: Partial<ShimInit> = {}): Promise<void> {
  shim = createShim({
    consumer: {
      ask: (question: Question, { signal }: AbortOptions = {}) => {
        asked.push({ question, signal })
        return answer(question, signal)
      }
    },
    models: async () => [{ cid: CID_OF_TINY, name: 'tiny', shards: 1 }],
    relays: () => [],
    log: pino({ level: 'silent' }),
    ...init
  })
  url = await shim.listen(0)
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
}

beforeEach(async () => {
  asked = []
  answer = parrot
  await start()
})

afterEach(async () => {
  await shim.close()
})

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) {
    items.push(item)
  }
  return items
}

/** OpenAI discourages it, since theirs promises nothing; ours does. */
const seeded = (seed: number): { seed: number } => ({ seed })

describe('several answers to one chat', () => {
  const chat = { model: 'tiny', messages: [{ role: 'user' as const, content: 'Hi' }] }

  it('have seeds that follow each other, and share the prompt’s tokens', async () => {
    const { choices, usage } = await client.chat.completions.create({ ...chat, n: 3, ...seeded(7) })
    expect(choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, '<Hi|7>'],
      [1, '<Hi|8>'],
      [2, '<Hi|9>']
    ])
    expect(usage).toEqual({ prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 })
  })

  it('wrap around the largest seed, and have seeds of their own where none is given', async () => {
    await client.chat.completions.create({ ...chat, n: 2, ...seeded(SEED_LIMIT - 1) })
    await client.chat.completions.create({ ...chat, n: 2 })
    expect(asked.map(({ question }) => question.sampling?.seed)).toEqual([SEED_LIMIT - 1, 0, undefined, undefined])
  })

  it('stream side by side', async () => {
    const stream = await client.chat.completions.create({
      ...chat,
      n: 2,
      ...seeded(1),
      stream: true,
      stream_options: { include_usage: true }
    })
    const chunks = await collect(stream)
    const texts = [0, 1].map((wanted) =>
      chunks
        .flatMap(({ choices }) => choices)
        .filter(({ index }) => index === wanted)
        .map(({ delta }) => delta.content ?? '')
        .join('')
    )
    expect(texts).toEqual(['<Hi|1>', '<Hi|2>'])
    expect(chunks.flatMap(({ choices }) => choices).filter((choice) => choice.finish_reason === 'stop')).toHaveLength(2)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 6 } })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
  })

  it('begin before all of them have a Shard, which may serve them one after the other', async () => {
    let second: () => void = () => {}
    const turn = new Promise<void>((resolve) => (second = resolve))
    answer = async function* (question) {
      if (question.sampling?.seed === 2) {
        yield { type: 'queued', ahead: 1 }
        await turn
      }
      yield* parrot(question)
    }
    const stream = await client.chat.completions.create({ ...chat, n: 2, ...seeded(1), stream: true })
    let text = ''
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? ''
      if (choices[0]?.finish_reason === 'stop') {
        second()
      }
    }
    expect(text).toBe('<Hi|1><Hi|2>')
  })

  it('end together when one fails', async () => {
    answer = async function* (question, signal) {
      if (question.sampling?.seed === 2) {
        throw new ShardError('BUSY', 'Ask later.')
      }
      yield { type: 'queued', ahead: 1 }
      await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    for (const stream of [false, true]) {
      await expect(client.chat.completions.create({ ...chat, n: 2, ...seeded(1), stream })).rejects.toMatchObject({
        status: 503,
        code: 'busy'
      })
    }
    expect(asked.every(({ signal }) => signal?.aborted === true)).toBe(true)
  })
})

describe('completions', () => {
  it('go on where the prompt ends', async () => {
    const completion = await client.completions.create({ model: 'tiny', prompt: 'Once', ...seeded(1), max_tokens: 3 })
    expect(completion).toMatchObject({
      id: expect.stringMatching(/^cmpl-/) as string,
      object: 'text_completion',
      model: 'tiny',
      choices: [{ index: 0, text: '<Once|1>', logprobs: null, finish_reason: 'length' }],
      usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 }
    })
    expect(asked[0]?.question).toMatchObject({ prompt: 'Once', maxTokens: 3 })
    expect(asked[0]?.question).not.toHaveProperty('messages')
  })

  it('are 16 tokens long where the client does not say, as OpenAI’s', async () => {
    await client.completions.create({ model: 'tiny', prompt: 'Once' })
    expect(asked[0]?.question.maxTokens).toBe(16)
  })

  it('take several prompts and several answers to each', async () => {
    const { choices, usage } = await client.completions.create({
      model: 'tiny',
      prompt: ['a', 'b'],
      n: 2,
      ...seeded(4),
      echo: true,
      stop: 'x'
    })
    expect(choices.map(({ index, text }) => `${index} ${text}`)).toEqual([
      '0 a<a|4>',
      '1 a<a|5>',
      '2 b<b|4>',
      '3 b<b|5>'
    ])
    expect(usage).toEqual({ prompt_tokens: 10, completion_tokens: 12, total_tokens: 22 })
    expect(asked[0]?.question.stop).toEqual(['x'])
  })

  it('stream', async () => {
    const stream = await client.completions.create({
      model: 'tiny',
      prompt: 'a',
      echo: true,
      stream: true,
      stream_options: { include_usage: true }
    })
    const chunks = await collect(stream)
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe('a<a|none>')
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason).slice(-2)).toEqual(['stop', undefined])
    expect(chunks.at(-1)?.usage?.total_tokens).toBe(8)
  })

  it.each([
    ['prompt', { prompt: [] }],
    ['prompt', { prompt: undefined }],
    ['prompt[0]', { prompt: [1, 2] }],
    ['n', { prompt: ['a', 'b', 'c'], n: 6 }],
    ['suffix', { suffix: 'x' }],
    ['logprobs', { logprobs: 1 }],
    ['best_of', { best_of: 2 }],
    ['temperature', { temperature: 11 }]
  ])('refuse a wrong %s', async (param, parameters) => {
    const body = { model: 'tiny', prompt: 'a', ...parameters }
    await expect(client.post('/completions', { body })).rejects.toMatchObject({ status: 400, param })
  })
})

describe('responses', () => {
  it('come whole', async () => {
    const response = await client.responses.create({
      model: 'tiny',
      instructions: 'Be brief.',
      input: 'Hi',
      metadata: { a: 'b' }
    })
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      output_text: '<Hi|none>',
      model: 'tiny',
      instructions: 'Be brief.',
      metadata: { a: 'b' },
      store: false,
      usage: { input_tokens: 5, output_tokens: 3, total_tokens: 8 }
    })
    expect(asked[0]?.question.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' }
    ])
  })

  it('take a conversation, with what the client got before', async () => {
    const first = await client.responses.create({ model: 'tiny', input: 'Hi' })
    const input = [
      { role: 'developer' as const, content: 'x' },
      { role: 'user' as const, content: [{ type: 'input_text' as const, text: 'Hi' }] },
      ...first.output,
      { role: 'user' as const, content: 'More' }
    ]
    await client.responses.create({ model: 'tiny', input: input as OpenAI.Responses.ResponseInput })
    expect(asked[1]?.question.messages).toEqual([
      { role: 'system', content: 'x' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: '<Hi|none>' },
      { role: 'user', content: 'More' }
    ])
  })

  it('stream as the official client puts them together', async () => {
    const stream = client.responses.stream({ model: 'tiny', input: 'Hi', max_output_tokens: 3 })
    const events = await collect(stream)
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.incomplete'
    ])
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()])
    const final = await stream.finalResponse()
    expect(final).toMatchObject({
      status: 'incomplete',
      output_text: '<Hi|none>',
      incomplete_details: { reason: 'max_output_tokens' }
    })
  })

  it('that fail say so', async () => {
    answer = async function* (question) {
      for await (const event of parrot(question)) {
        if (event.type === 'done') {
          throw new ShardError('DISCONNECTED', 'The Shard is gone.')
        }
        yield event
      }
    }
    const stream = await client.responses.create({ model: 'tiny', input: 'Hi', stream: true })
    const last = (await collect(stream)).at(-1)
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'disconnected', message: 'The Shard is gone.' } }
    })
    await expect(client.responses.create({ model: 'tiny', input: 'Hi' })).rejects.toMatchObject({ status: 502 })
  })

  it.each([
    ['store', { store: true }],
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['tools', { tools: [{ type: 'web_search' }] }],
    ['input[0].type', { input: [{ type: 'function_call_output', call_id: 'x', output: 'y' }] }],
    ['input[0].content[0].type', { input: [{ role: 'user', content: [{ type: 'input_image' }] }] }],
    ['text', { text: { format: { type: 'json_object' } } }]
  ])('refuse %s', async (param, parameters) => {
    const body = { model: 'tiny', input: 'Hi', ...parameters }
    await expect(client.post('/responses', { body })).rejects.toMatchObject({ status: 400, param })
  })
})

describe('a busy swarm', () => {
  it('is asked again by the official client, when the server says', async () => {
    let attempts = 0
    answer = async function* (question) {
      if (++attempts === 1) {
        throw new ShardError('NO_SHARD', 'Ask later.')
      }
      yield* parrot(question)
    }
    const patient = client.withOptions({ maxRetries: 1 })
    const started = performance.now()
    const { choices } = await patient.completions.create({ model: 'tiny', prompt: 'a' })
    expect(choices[0]?.text).toBe('<a|none>')
    // the client's own pause would be half a second
    expect(performance.now() - started).toBeGreaterThan(1_900)
  })
})

describe('embeddings', () => {
  it('are refused with what to do', async () => {
    await expect(client.embeddings.create({ model: 'tiny', input: 'x' })).rejects.toThrow(NotFoundError)
  })
})

describe('the description of the API', () => {
  interface Description {
    openapi: string
    paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: object }> } }>>
  }

  it('is made from what requests are checked with', async () => {
    const { openapi, paths } = (await (await fetch(`${url}/openapi.json`)).json()) as Description
    expect(openapi).toBe('3.1.0')
    expect(paths['/v1/completions']?.post?.requestBody?.content['application/json']?.schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['model', 'prompt'],
      properties: {
        prompt: { anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }] },
        best_of: { enum: [null, 1] },
        temperature: { anyOf: [{ type: 'number', minimum: 0, maximum: 10 }, { type: 'null' }] }
      }
    })
    for (const path of ['/v1/chat/completions', '/v1/responses']) {
      expect(paths[path]?.post?.requestBody?.content['application/json']?.schema).toMatchObject({ type: 'object' })
    }
  })

  it('names only what is there', async () => {
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as Description
    for (const [path, operations] of Object.entries(paths)) {
      for (const method of Object.keys(operations)) {
        const response = await fetch(url + path.replace('{id}', 'tiny'), { method: method.toUpperCase() })
        expect(response.status, path).not.toBe(404)
        await response.text()
      }
    }
  })
})

describe('metrics', () => {
  it('count requests, tokens, drafts and errors', async () => {
    await client.completions.create({ model: 'tiny', prompt: 'a' })
    await client.completions.create({ model: 'nobody', prompt: 'a' }).catch(() => undefined)
    const text = await (await fetch(`${url}/metrics`)).text()
    for (const line of [
      'shard_api_requests_total{route="/v1/completions",status="200"} 1',
      'shard_api_requests_total{route="/v1/completions",status="404"} 1',
      'shard_api_errors_total{code="model_not_found"} 1',
      'shard_api_prompt_tokens_total 5',
      'shard_api_completion_tokens_total 3',
      'shard_api_accepted_tokens_total 1',
      'shard_api_drafted_tokens_total 4',
      'shard_api_answers{state="waiting"} 0',
      'shard_api_answers{state="running"} 0',
      'shard_api_first_token_seconds_count 1',
      'shard_api_answer_seconds_count 1'
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).toMatch(/shard_api_connections [1-9]/)
    expect(text).not.toContain('nobody')
  })
})

describe('an API key', () => {
  beforeEach(async () => {
    await shim.close()
    await start({ apiKey: 'right' })
  })

  it.each(['/v1/models', '/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/embeddings', '/metrics'])(
    'is asked for at %s',
    async (path) => {
      for (const method of ['GET', 'POST']) {
        const response = await fetch(url + path, { method, headers: { authorization: 'Bearer wrong' } })
        expect([401, 404]).toContain(response.status)
      }
      expect(asked).toEqual([])
    }
  )

  it('of the official client', async () => {
    await expect(client.models.list()).rejects.toThrow(AuthenticationError)
    const friend = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'right' })
    expect((await friend.models.list()).data).toHaveLength(1)
    expect(await friend.responses.create({ model: 'tiny', input: 'Hi' })).toMatchObject({ status: 'completed' })
  })
})
