import OpenAI, { APIUserAbortError, AuthenticationError, BadRequestError, NotFoundError } from 'openai'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { collect, KEY, metric, MODEL } from './lib/api.ts'

const apis = inject('apis')

const STORY = {
  model: MODEL,
  messages: [{ role: 'user' as const, content: 'Tell me a short story.' }],
  temperature: 0.8,
  seed: 42,
  max_tokens: 40
}

/** More than the Shard can do at once: only an abort ends it soon. */
const LONG = { model: MODEL, prompt: 'Once upon a time', max_tokens: 500, n: 16, stream: true as const }

describe.each(['serve', 'connect'] as const)('the official client and `shard %s`', (command) => {
  let client: OpenAI

  beforeAll(() => {
    client = new OpenAI({ baseURL: apis[command], apiKey: KEY })
  })

  it('finds the model', async () => {
    const { data } = await client.models.list()
    expect(data).toMatchObject([
      { id: MODEL, object: 'model', owned_by: 'shard', created: expect.any(Number) as number }
    ])
    expect((await client.models.retrieve(MODEL)).id).toBe(MODEL)
    await expect(client.models.retrieve('gpt-4o')).rejects.toThrow(NotFoundError)
  })

  it('gets the same answer whole and in pieces', async () => {
    const { data: whole, response } = await client.chat.completions.create(STORY).withResponse()
    expect(whole).toMatchObject({
      object: 'chat.completion',
      model: MODEL,
      choices: [{ index: 0, message: { role: 'assistant', refusal: null }, logprobs: null, finish_reason: 'length' }],
      usage: { completion_tokens: 40 }
    })
    expect(whole.usage?.total_tokens).toBe((whole.usage?.prompt_tokens ?? 0) + 40)
    expect(response.headers.get('x-shard-peer')).toBe(apis.peer)
    expect(response.headers.get('x-shard-path')).toBe(command === 'serve' ? 'local' : 'direct')

    const runner = client.chat.completions.stream({ ...STORY, stream_options: { include_usage: true } })
    const chunks = await collect(runner)
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'length' })
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    const final = await runner.finalChatCompletion()
    expect(final.choices[0]?.message.content).toBe(whole.choices[0]?.message.content)
  })

  it('gets several answers, of which each can be asked for again', async () => {
    const { choices, usage } = await client.chat.completions.create({ ...STORY, n: 3 })
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(usage?.completion_tokens).toBe(120)
    // OpenAI discourages seeds, since theirs promise nothing; ours do
    const third = { seed: STORY.seed + 2 }
    const again = await client.chat.completions.create({ ...STORY, ...third })
    expect(choices[2]?.message.content).toBe(again.choices[0]?.message.content)
    expect(choices[0]?.message.content).not.toBe(choices[2]?.message.content)

    const chunks = await collect(await client.chat.completions.create({ ...STORY, n: 3, stream: true }))
    const texts = choices.map(({ index: wanted }) =>
      chunks
        .flatMap((chunk) => chunk.choices)
        .filter(({ index }) => index === wanted)
        .map(({ delta }) => delta.content ?? '')
        .join('')
    )
    expect(texts).toEqual(choices.map(({ message }) => message.content))
  })

  it('stops at its stop text, which is no part of the answer', async () => {
    const full = (await client.chat.completions.create(STORY)).choices[0]?.message.content ?? ''
    const stop = full.slice(20, 25)
    const { choices } = await client.chat.completions.create({ ...STORY, stop })
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: full.slice(0, full.indexOf(stop)) } })
  })

  it('completes text', async () => {
    const { prompt, model } = LONG
    const settings = { model, temperature: 0, max_tokens: 8 }
    const single = await client.completions.create({ ...settings, prompt })
    expect(single).toMatchObject({ object: 'text_completion', choices: [{ finish_reason: 'length', logprobs: null }] })
    const several = await client.completions.create({ ...settings, prompt: [prompt, 'The sun'], n: 1, echo: true })
    expect(several.choices[0]?.text).toBe(prompt + (single.choices[0]?.text ?? ''))
    expect(several.choices[1]?.text).toMatch(/^The sun./)
    const chunks = await collect(await client.completions.create({ ...settings, prompt, stream: true }))
    expect(chunks.map(({ choices }) => choices[0]?.text).join('')).toBe(single.choices[0]?.text)
  })

  it('gets responses', async () => {
    const settings = { model: MODEL, input: 'What is the sun?', temperature: 0, max_output_tokens: 30 }
    const whole = await client.responses.create(settings)
    const stream = client.responses.stream(settings)
    await stream.done()
    const final = await stream.finalResponse()
    expect(final.output_text).toBe(whole.output_text)
    expect(final.output_text.length).toBeGreaterThan(20)
    expect(final.usage).toEqual(whole.usage)
  })

  it('stops the work by an abort', async () => {
    const read = async (name: string): Promise<number> => metric(apis[command], name)
    const running = async (): Promise<number> => read('shard_api_answers{state="running"}')
    const finished = async (): Promise<number> => read('shard_api_answer_seconds_count')
    const before = await finished()

    const stream = await client.completions.create(LONG)
    for await (const _chunk of stream) {
      stream.controller.abort()
    }
    const leave = new AbortController()
    const whole = client.completions.create({ ...LONG, stream: false }, { signal: leave.signal })
    const refused = expect(whole).rejects.toThrow(APIUserAbortError)
    await expect.poll(running).toBeGreaterThan(0)
    leave.abort()
    await refused

    await expect.poll(running).toBe(0)
    expect(await read('shard_api_answers{state="waiting"}')).toBe(0)
    expect((await finished()) - before).toBeLessThan(2 * LONG.n)
  })

  it('is told what is wrong', async () => {
    await expect(client.chat.completions.create({ ...STORY, model: 'gpt-4o' })).rejects.toMatchObject({
      constructor: NotFoundError,
      code: 'model_not_found',
      param: 'model'
    })
    await expect(client.chat.completions.create({ ...STORY, logprobs: true })).rejects.toMatchObject({
      constructor: BadRequestError,
      type: 'invalid_request_error',
      code: 'unsupported_parameter',
      param: 'logprobs'
    })
    const long = [{ role: 'user' as const, content: 'word '.repeat(20_000) }]
    for (const stream of [false, true]) {
      await expect(client.chat.completions.create({ ...STORY, messages: long, stream })).rejects.toMatchObject({
        constructor: BadRequestError,
        code: 'context_length_exceeded'
      })
    }
    const stranger = new OpenAI({ baseURL: apis[command], apiKey: 'guess' })
    await expect(stranger.chat.completions.create(STORY)).rejects.toThrow(AuthenticationError)
    await expect(client.embeddings.create({ model: MODEL, input: 'x' })).rejects.toThrow(NotFoundError)
  })
})
