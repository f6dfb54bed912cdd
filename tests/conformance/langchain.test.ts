import { HumanMessage, SystemMessage } from '@langchain/core/messages'
import { ChatOpenAI, OpenAI } from '@langchain/openai'
import { describe, expect, inject, it } from 'vitest'
import { collect, KEY, metric, MODEL } from './lib/api.ts'

const apis = inject('apis')

describe('LangChain', () => {
  const messages = [new SystemMessage('Be brief.'), new HumanMessage('Tell me a short story.')]

  function settings() {
    return {
      model: MODEL,
      apiKey: KEY,
      temperature: 0,
      maxTokens: 30,
      maxRetries: 0,
      configuration: { baseURL: apis.serve }
    }
  }

  it('invokes and streams the same text', async () => {
    const chat = new ChatOpenAI(settings())
    const whole = await chat.invoke(messages)
    expect(whole.usage_metadata).toMatchObject({ output_tokens: 30 })
    expect(whole.response_metadata).toMatchObject({ finish_reason: 'length' })
    const chunks = await collect(await chat.stream(messages))
    expect(chunks.map(({ text }) => text).join('')).toBe(whole.text)
    expect(chunks.find((chunk) => chunk.usage_metadata != null)?.usage_metadata).toMatchObject({
      input_tokens: whole.usage_metadata?.input_tokens,
      output_tokens: 30
    })
  })

  it('batches, and stops at stop texts', async () => {
    const chat = new ChatOpenAI(settings())
    const answers = await chat.batch([messages, messages])
    expect(answers[0]?.text).toBe(answers[1]?.text)
    const stop = answers[0]?.text.slice(10, 14) ?? ''
    const stopped = await chat.invoke(messages, { stop: [stop] })
    expect(stopped.text).toBe(answers[0]?.text.slice(0, answers[0].text.indexOf(stop)))
  })

  it('speaks the responses and the completions endpoints too', async () => {
    const chat = await new ChatOpenAI(settings()).invoke(messages)
    const response = await new ChatOpenAI({ ...settings(), useResponsesApi: true }).invoke(messages)
    expect(response.text).toBe(chat.text)
    const text = await new OpenAI(settings()).invoke('Once upon a time')
    expect(text.length).toBeGreaterThan(10)
  })

  it('understands errors', async () => {
    const stranger = new ChatOpenAI({ ...settings(), apiKey: 'guess' })
    await expect(stranger.invoke(messages)).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
    const wrong = new ChatOpenAI({ ...settings(), model: 'gpt-4o' })
    await expect(wrong.invoke(messages)).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })

  it('aborts', async () => {
    const leave = new AbortController()
    const text = new OpenAI({ ...settings(), maxTokens: 500, temperature: 0.8 })
    const read = async (): Promise<void> => {
      for await (const _piece of await text.stream('Once upon a time', { signal: leave.signal })) {
        leave.abort()
      }
    }
    await expect(read()).rejects.toThrow(/abort/i)
    await expect.poll(async () => metric(apis.serve, 'shard_api_answers{state="running"}')).toBe(0)
  })
})
