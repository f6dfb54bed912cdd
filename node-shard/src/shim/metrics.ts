import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AnswerEvent } from '@shard/protocol/consume'

/** Seconds. A local GPU's first token comes in 20 ms, that of a busy swarm's long prompt in a minute. */
const FIRST_TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Seconds. */
const ANSWER_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600]

/** What this server did since it started, for Prometheus. Counts only: nothing that anybody asked. */
export class ApiMetrics {
  readonly registry = new Registry()
  readonly #requests = this.#counter('shard_api_requests_total', 'HTTP requests answered', ['route', 'status'])
  readonly #errors = this.#counter('shard_api_errors_total', 'Errors told to clients, in mid-answer too', ['code'])
  readonly #prompt = this.#counter('shard_api_prompt_tokens_total', 'Tokens of the prompts of finished answers')
  readonly #completion = this.#counter('shard_api_completion_tokens_total', 'Tokens committed')
  readonly #accepted = this.#counter('shard_api_accepted_tokens_total', 'Committed tokens that Scouts drafted')
  readonly #drafted = this.#counter('shard_api_drafted_tokens_total', 'Draft tokens evaluated for finished answers')
  readonly #moves = this.#counter('shard_api_moves_total', 'Answers that went on at another Shard')
  readonly #answers = new Gauge({
    name: 'shard_api_answers',
    help: 'Answers that wait for a Shard, and that are being generated',
    labelNames: ['state'],
    registers: [this.registry]
  })
  readonly #firstToken = this.#histogram(
    'shard_api_first_token_seconds',
    'From the question to its first token',
    FIRST_TOKEN_BUCKETS
  )
  readonly #answer = this.#histogram('shard_api_answer_seconds', 'From the question to its last token', ANSWER_BUCKETS)

  /** @param connections - how many clients are connected now */
  constructor(connections: () => Promise<number>) {
    this.#answers.set({ state: 'waiting' }, 0)
    this.#answers.set({ state: 'running' }, 0)
    new Gauge({
      name: 'shard_api_connections',
      help: 'Connections of clients',
      registers: [this.registry],
      async collect() {
        this.set(await connections())
      }
    })
    this.#memory('process_resident_memory_bytes', 'Memory of this process, the model included', 'rss')
    this.#memory('nodejs_heap_size_used_bytes', 'Of it, JavaScript objects', 'heapUsed')
    this.#memory('nodejs_external_memory_bytes', 'Of it, buffers', 'external')
  }

  request(route: string, status: number): void {
    this.#requests.inc({ route, status })
  }

  error(code: string): void {
    this.#errors.inc({ code })
  }

  /** Passes the events of an answer on, and counts. */
  async *observe(events: AsyncGenerator<AnswerEvent, void, undefined>): AsyncGenerator<AnswerEvent, void, undefined> {
    const started = performance.now()
    const seconds = (): number => (performance.now() - started) / 1000
    let state = 'waiting'
    this.#answers.inc({ state })
    try {
      for await (const event of events) {
        if (event.type === 'commit') {
          if (state === 'waiting') {
            this.#firstToken.observe(seconds())
            this.#answers.dec({ state })
            state = 'running'
            this.#answers.inc({ state })
          }
          this.#completion.inc(event.tokens.length)
          this.#accepted.inc(event.drafted)
        } else if (event.type === 'moved') {
          this.#moves.inc()
        } else if (event.type === 'done') {
          this.#answer.observe(seconds())
          this.#prompt.inc(event.figures.promptTokens)
          this.#drafted.inc(event.figures.draftedTokens)
        }
        yield event
      }
    } finally {
      this.#answers.dec({ state })
    }
  }

  #memory(name: string, help: string, part: keyof NodeJS.MemoryUsage): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(process.memoryUsage()[part])
      }
    })
  }

  #counter<T extends string = never>(name: string, help: string, labelNames: T[] = []): Counter<T> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] })
  }
}

/** A label of few values: the code, or the status where there is none. */
export function codeOf({ code, status }: { code: string | null; status: number }): string {
  return code ?? String(status)
}
