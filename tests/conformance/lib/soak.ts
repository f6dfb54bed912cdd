import { setTimeout as pause } from 'node:timers/promises'
import OpenAI, { APIUserAbortError } from 'openai'
import { KEY, metric, MODEL } from './api.ts'

export interface SoakInit {
  /** Base URL of the API. */
  api: string
  requests: number
  clients: number
  /** Of who asks what and leaves when. */
  seed: number
}

export interface SoakResult {
  completed: number
  cancelled: number
  /** Answers that were not what the question gives when it is asked alone. */
  wrong: number
  errors: string[]
  /** Ms from the question to the end of its answer, of those that came whole. */
  latency: { median: number; p95: number; most: number }
  /** MiB of the server's process, after a quarter of the requests and after all. */
  memory: { before: number; after: number }
  /** What is left when all is over. */
  left: { running: number; waiting: number; connections: number }
}

const QUESTIONS = ['Tell me a short story.', 'What is the sun?', 'How do I make a cup of tea?', 'Write about a dog.']
const MAX_TOKENS = 24

/** Many clients at once, of which a third leaves in the middle. */
export async function soak({ api, requests, clients, seed }: SoakInit): Promise<SoakResult> {
  const client = new OpenAI({ baseURL: api, apiKey: KEY, maxRetries: 0 })
  const truth = await Promise.all(QUESTIONS.map(async (question) => ask(client, question)))
  const random = numbers(seed)
  const plans = Array.from({ length: requests }, (_, index) => ({
    question: index % QUESTIONS.length,
    stream: random() < 0.5,
    leavesAfter: random() < 1 / 3 ? Math.floor(random() * 400) : undefined
  }))
  const result = { completed: 0, cancelled: 0, wrong: 0, errors: [] as string[] }
  const latencies: number[] = []

  const run = async (part: typeof plans): Promise<void> => {
    const queue = part.values()
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (const { question, stream, leavesAfter } of queue) {
          const started = performance.now()
          const signal = leavesAfter == null ? undefined : AbortSignal.timeout(leavesAfter)
          try {
            const text = await ask(client, QUESTIONS[question]!, { stream, signal })
            // one that left while it was told the last words
            const whole = signal?.aborted !== true
            result.completed += whole ? 1 : 0
            result.cancelled += whole ? 0 : 1
            result.wrong += whole && text !== truth[question] ? 1 : 0
            latencies.push(performance.now() - started)
          } catch (error) {
            if (signal?.aborted === true && (error instanceof APIUserAbortError || isAbort(error))) {
              result.cancelled++
            } else {
              result.errors.push(String(error))
            }
          }
        }
      })
    )
  }

  const quarter = Math.ceil(requests / 4)
  await run(plans.slice(0, quarter))
  const before = await memory(api)
  await run(plans.slice(quarter))
  const left = await settled(api)
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => Math.round(latencies[Math.floor((latencies.length - 1) * share)] ?? NaN)
  return {
    ...result,
    latency: { median: at(0.5), p95: at(0.95), most: at(1) },
    memory: { before, after: await memory(api) },
    left
  }
}

async function ask(
  client: OpenAI,
  content: string,
  { stream = false, signal }: { stream?: boolean; signal?: AbortSignal } = {}
): Promise<string> {
  const body = {
    model: MODEL,
    messages: [{ role: 'user' as const, content }],
    temperature: 0.8,
    seed: 1,
    max_tokens: MAX_TOKENS
  }
  if (!stream) {
    const { choices } = await client.chat.completions.create(body, { signal })
    return choices[0]?.message.content ?? ''
  }
  let text = ''
  for await (const { choices } of await client.chat.completions.create({ ...body, stream }, { signal })) {
    text += choices[0]?.delta.content ?? ''
  }
  return text
}

/** What is left once nothing changes any more, or after 5 s. */
async function settled(api: string): Promise<SoakResult['left']> {
  for (let attempt = 0; ; attempt++) {
    const left = {
      running: await metric(api, 'shard_api_answers{state="running"}'),
      waiting: await metric(api, 'shard_api_answers{state="waiting"}'),
      connections: await metric(api, 'shard_api_connections')
    }
    if (left.running + left.waiting === 0 || attempt === 50) {
      return left
    }
    await pause(100)
  }
}

async function memory(api: string): Promise<number> {
  return Math.round((await metric(api, 'process_resident_memory_bytes')) / 2 ** 20)
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')
}

/** mulberry32: the same requests each time. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}
