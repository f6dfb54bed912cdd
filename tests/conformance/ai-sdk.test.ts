import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, streamText } from 'ai'
import { describe, expect, inject, it } from 'vitest'
import { collect, KEY, metric, MODEL } from './lib/api.ts'

const apis = inject('apis')
const shard = createOpenAICompatible({ name: 'shard', baseURL: apis.serve, apiKey: KEY, includeUsage: true })

describe('the AI SDK', () => {
  const settings = { prompt: 'Tell me a short story.', seed: 3, temperature: 0.8, maxOutputTokens: 30, maxRetries: 0 }

  it('generates and streams the same text', async () => {
    const whole = await generateText({ model: shard(MODEL), instructions: 'Be brief.', ...settings })
    expect(whole.finishReason).toBe('length')
    expect(whole.usage).toMatchObject({ outputTokens: 30 })
    expect(whole.finalStep.response.modelId).toBe(MODEL)
    const stream = streamText({ model: shard(MODEL), instructions: 'Be brief.', ...settings })
    const pieces = await collect(stream.textStream)
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.join('')).toBe(whole.text)
    expect(await stream.finishReason).toBe('length')
    expect(await stream.usage).toMatchObject({
      inputTokens: whole.usage.inputTokens,
      outputTokens: 30,
      totalTokens: whole.usage.totalTokens
    })
  })

  it('stops at stop sequences, and completes prompts', async () => {
    const model = shard.completionModel(MODEL)
    const { text } = await generateText({ model, ...settings })
    const stop = text.slice(8, 12)
    const stopped = await generateText({ model, ...settings, stopSequences: [stop] })
    expect(stopped.finishReason).toBe('stop')
    expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)))
  })

  it('understands errors', async () => {
    const refused = generateText({ model: shard('gpt-4o'), ...settings })
    await expect(refused).rejects.toSatisfy(
      (error) => APICallError.isInstance(error) && error.statusCode === 404 && !error.isRetryable
    )
    await expect(refused).rejects.toThrow('No Shard serves a model "gpt-4o" now')
  })

  it('aborts', async () => {
    const leave = new AbortController()
    const { textStream } = streamText({
      model: shard.completionModel(MODEL),
      prompt: 'Once upon a time',
      maxOutputTokens: 500,
      abortSignal: leave.signal
    })
    const pieces: string[] = []
    for await (const piece of textStream) {
      pieces.push(piece)
      leave.abort()
    }
    expect(pieces.length).toBeGreaterThan(0)
    await expect.poll(async () => metric(apis.serve, 'shard_api_answers{state="running"}')).toBe(0)
  })
})
