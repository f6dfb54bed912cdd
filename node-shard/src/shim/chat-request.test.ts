import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ApiError } from './api-error.ts'
import { parseChatRequest } from './chat-request.ts'

const HELLO = { model: 'shard-tiny', messages: [{ role: 'user', content: 'Hello' }] }

function errorOf(body: unknown): unknown {
  try {
    parseChatRequest(body)
    return undefined
  } catch (error) {
    return error
  }
}

describe('parseChatRequest', () => {
  it('leaves to the Consumer what is not said', () => {
    expect(parseChatRequest(HELLO)).toEqual({
      model: 'shard-tiny',
      stream: false,
      includeUsage: false,
      question: { messages: HELLO.messages, sampling: {}, maxTokens: undefined, stop: undefined }
    })
  })

  it('takes every parameter that the swarm knows', () => {
    const { question, stream, includeUsage } = parseChatRequest({
      ...HELLO,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      top_p: 0.5,
      top_k: 7,
      min_p: 0.1,
      seed: 42,
      max_tokens: 5,
      stop: ['a', 'b'],
      presence_penalty: -1,
      frequency_penalty: 1,
      repetition_penalty: 1.1,
      n: 1
    })
    expect({ stream, includeUsage }).toEqual({ stream: true, includeUsage: true })
    expect(question).toEqual({
      messages: HELLO.messages,
      sampling: {
        temperature: 0,
        topP: 0.5,
        topK: 7,
        minP: 0.1,
        seed: 42,
        presencePenalty: -1,
        frequencyPenalty: 1,
        repetitionPenalty: 1.1
      },
      maxTokens: 5,
      stop: ['a', 'b']
    })
  })

  it('reads messages of all roles, in parts or whole', () => {
    const { question } = parseChatRequest({
      ...HELLO,
      messages: [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'one' },
            { type: 'text', text: 'two' }
          ]
        },
        { role: 'assistant', content: 'ok', refusal: null, annotations: [], tool_calls: [] }
      ]
    })
    expect(question.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'one\ntwo' },
      { role: 'assistant', content: 'ok' }
    ])
  })

  it.each([
    [{ stop: 'end' }, { stop: ['end'] }],
    [{ max_completion_tokens: 9 }, { maxTokens: 9 }],
    [{ max_completion_tokens: 9, max_tokens: 9 }, { maxTokens: 9 }],
    [
      { stop: null, max_tokens: null, temperature: null },
      { stop: undefined, maxTokens: undefined, sampling: {} }
    ]
  ])('understands %o', (parameters, expected) => {
    expect(parseChatRequest({ ...HELLO, ...parameters }).question).toMatchObject(expected)
  })

  it.each([
    { response_format: { type: 'text' } },
    { logprobs: false, top_logprobs: null, logit_bias: {} },
    { tools: null, tool_choice: 'none', parallel_tool_calls: null },
    { user: 'me', metadata: { a: 'b' }, store: false, service_tier: 'auto' }
  ])('accepts %o, which asks for nothing', (parameters) => {
    expect(parseChatRequest({ ...HELLO, ...parameters }).model).toBe('shard-tiny')
  })

  it.each([
    ['n', { n: 2 }],
    ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }],
    ['tool_choice', { tool_choice: 'required' }],
    ['logprobs', { logprobs: true }],
    ['top_logprobs', { top_logprobs: 5 }],
    ['logit_bias', { logit_bias: { 50256: -100 } }],
    ['response_format', { response_format: { type: 'json_object' } }],
    ['prediction', { prediction: { type: 'content', content: '' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['store', { store: true }],
    ['messages[0].name', { messages: [{ role: 'user', content: 'Hello', name: 'Ann' }] }]
  ])('refuses %s, which is not supported', (param, parameters) => {
    const error = errorOf({ ...HELLO, ...parameters })
    expect(error).toMatchObject({ status: 400, param, code: 'unsupported_parameter' })
    expect(error).toHaveProperty('message', `${param}: is not supported by this server yet; leave it out.`)
  })

  it.each([
    ['model', { model: undefined }],
    ['messages', { messages: [] }],
    ['messages[0].role', { messages: [{ role: 'tool', content: 'x' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: null }] }],
    [
      'messages[0].content[1].type',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image_url' }] }] }
    ],
    ['temperature', { temperature: -1 }],
    ['temperature', { temperature: '1' }],
    ['top_p', { top_p: 1.5 }],
    ['top_k', { top_k: 1.5 }],
    ['seed', { seed: -1 }],
    ['seed', { seed: 2 ** 53 }],
    ['max_tokens', { max_tokens: 0 }],
    ['max_tokens', { max_tokens: 1, max_completion_tokens: 2 }],
    ['stop[0]', { stop: '' }],
    ['stop', { stop: Array.from({ length: 17 }, String) }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['stream', { stream: 'yes' }]
  ])('refuses a wrong %s', (param, parameters) => {
    expect(errorOf({ ...HELLO, ...parameters })).toMatchObject({ name: 'ApiError', status: 400, param })
  })

  it('refuses what it does not know', () => {
    expect(errorOf({ ...HELLO, beams: 4 })).toMatchObject({ status: 400, param: 'beams', code: 'unknown_parameter' })
    expect(errorOf('Hello')).toMatchObject({ status: 400, param: null })
    expect(errorOf(undefined)).toMatchObject({ status: 400, param: null })
  })

  it('gives a request or an error that names what is wrong, whatever comes', () => {
    const parameter = fc.constantFrom(
      'model',
      'messages',
      'stop',
      'seed',
      'temperature',
      'stream',
      'stream_options',
      'max_tokens',
      'n',
      'tools'
    )
    fc.assert(
      fc.property(fc.dictionary(parameter, fc.jsonValue()), (parameters) => {
        const error = errorOf({ ...HELLO, ...parameters })
        if (error !== undefined) {
          expect(error).toBeInstanceOf(ApiError)
          expect(error).toHaveProperty('message', expect.stringMatching(/^.+: .+\.$|^.+; .+\.$/))
        }
      })
    )
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        expect(errorOf(body)).toBeInstanceOf(ApiError)
      })
    )
  })
})
