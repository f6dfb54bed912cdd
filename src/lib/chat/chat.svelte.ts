import { SvelteMap } from 'svelte/reactivity'
import type { ChatMessage, Question } from '@shard/protocol/consume'
import { driveAnswer, endAnswer, newAnswer, resumeAnswer, type Answer, type AskFn } from './answer.ts'
import type { ChatDatabase, ChatSettings, Message } from './db.ts'
import { Farewell, type FarewellStorage } from './farewell.ts'
import { Recorder } from './recorder.ts'
import type { ModelChoice } from './default-model.ts'

/** What a chat needs of the swarm. Asked for at the first question, so that the page is there at once. */
export interface ChatPeer {
  ask: AskFn
  /**
   * The model of a manifest's CID; without one, the model that the app brings.
   *
   * @throws Error where the text is no CID
   */
  model: (cid?: string) => ModelChoice
}

export interface ChatInit {
  db: ChatDatabase
  connect: (options: { signal: AbortSignal }) => Promise<ChatPeer>
  /** Survives the page, and is written at once. */
  storage: () => FarewellStorage
  /** Told when something could not be stored. */
  onError: (message: string) => void
}

interface Run {
  answer: Answer
  stop: () => void
  recorder: Recorder
}

/** How often a growing answer is written to the database, in ms: what a crash of the tab can cost. */
const SAVE_INTERVAL = 300
const LOCK_PREFIX = 'shard-answer/'
const SEEDS = 2 ** 32

/** The answers that this tab is receiving, and everything that starts or ends one. */
export class Chat {
  readonly db: ChatDatabase
  /** By message id. */
  readonly #runs = new SvelteMap<string, Run>()

  readonly #farewell: Farewell

  constructor(private readonly init: ChatInit) {
    this.db = init.db
    this.#farewell = new Farewell(init.storage)
  }

  /** The answer of `message` as it is now: live where this tab receives it. */
  answerOf(message: Message): Answer | undefined {
    return this.#runs.get(message.id)?.answer ?? message.answer
  }

  /** True while this tab receives the answer of `message`. */
  isRunning(message: string): boolean {
    return this.#runs.has(message)
  }

  /** To be called once at start: tidies up after pages that were closed. */
  async start(): Promise<void> {
    await this.db.purge()
    for (const [message, answer] of this.#farewell.take()) await this.db.completeAnswer(message, answer)
    for (const message of await this.db.unfinished()) {
      // Whoever receives an answer holds its lock, so this waits for as long as another tab is at it.
      void navigator.locks.request(LOCK_PREFIX + message, () => this.db.markInterrupted(message))
    }
  }

  /** Asks; returns the conversation's id once the question is stored. The answer goes on in the background. */
  async send(conversation: string | undefined, text: string, settings: ChatSettings): Promise<string> {
    const id = conversation ?? (await this.db.create(text, settings)).id
    await this.db.append({ conversation: id, role: 'user', content: text })
    await this.#answer(id, settings)
    return id
  }

  /** Throws the answer of `message` away and asks for a new one. */
  async retry(message: Message, settings: ChatSettings): Promise<void> {
    this.stop(message.id)
    await this.db.messages.delete(message.id)
    await this.#answer(message.conversation, settings)
  }

  /** Goes on where the answer of `message` ended, on any Shard, with the same seed and model. */
  async continue(message: Message, settings: ChatSettings): Promise<void> {
    if (message.answer == null || this.#runs.has(message.id)) return
    const answer = structuredClone(message.answer)
    if (answer.finish === 'length' && answer.maxTokens > 0) answer.maxTokens = answer.tokens.length + settings.maxTokens
    resumeAnswer(answer, Date.now())
    this.#run(message, answer, settings)
  }

  stop(message: string): void {
    this.#runs.get(message)?.stop()
  }

  /** Stops what a conversation is receiving, and hides it until it is restored or purged. */
  async remove(conversation: string): Promise<void> {
    for (const { id } of await this.db.history(conversation)) this.stop(id)
    await this.db.remove(conversation)
  }

  /** Leaves everything that is not yet written to the next page. To be called when this one goes away. */
  leave(): void {
    for (const [message, { answer }] of this.#runs) this.#farewell.leave(message, $state.snapshot(answer))
  }

  /** Writes everything that is not yet written. To be called when the page may be going away soon. */
  async flush(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ recorder }) => recorder.flush()))
  }

  async #answer(conversation: string, settings: ChatSettings): Promise<void> {
    const answer = newAnswer(
      {
        model: settings.model ?? '',
        seed: settings.seed ?? Math.floor(Math.random() * SEEDS),
        maxTokens: settings.maxTokens,
        policy: settings.policy
      },
      Date.now()
    )
    const message = await this.db.append({ conversation, role: 'assistant', content: '', answer })
    this.#run(message, answer, settings)
  }

  #run(message: Message, initial: Answer, settings: ChatSettings): void {
    const answer: Answer = $state(initial)
    const controller = new AbortController()
    const recorder = new Recorder(() => this.#save(message.id, $state.snapshot(answer)), SAVE_INTERVAL)
    this.#runs.set(message.id, { answer, recorder, stop: () => controller.abort() })
    void navigator.locks.request(LOCK_PREFIX + message.id, async () => {
      recorder.touch()
      await this.#drive(message, answer, settings, controller.signal, () => recorder.touch())
      recorder.touch()
      await recorder.flush()
      this.#runs.delete(message.id)
    })
  }

  async #drive(
    message: Message,
    answer: Answer,
    settings: ChatSettings,
    signal: AbortSignal,
    onChange: () => void
  ): Promise<void> {
    let peer: ChatPeer
    let question: Question
    try {
      const history = await this.db.history(message.conversation, message.at)
      peer = await untilAborted(this.init.connect({ signal }), signal)
      const model = peer.model(answer.model === '' ? undefined : answer.model)
      answer.model = model.cid.toString()
      answer.modelName = model.name
      question = {
        model: model.cid,
        messages: toMessages(history, settings.system),
        sampling: { temperature: settings.temperature, seed: answer.seed },
        maxTokens: answer.maxTokens,
        draftPolicy: answer.policy,
        committed: answer.tokens.length > 0 ? [...answer.tokens] : undefined
      }
    } catch (error) {
      endAnswer(answer, error, signal)
      return
    }
    await driveAnswer(answer, question, { ask: peer.ask, signal, onChange })
  }

  async #save(id: string, answer: Answer): Promise<void> {
    try {
      await this.db.saveAnswer(id, answer)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.init.onError(
        `This answer could not be stored on this device (${why}). Copy what you need before you close the tab.`
      )
    }
  }
}

/** The conversation as a Question has it: answers that brought no text are left out. */
function toMessages(history: readonly Message[], system: string): ChatMessage[] {
  const messages: ChatMessage[] = system.trim() === '' ? [] : [{ role: 'system', content: system.trim() }]
  for (const { role, content, answer } of history) {
    const text = role === 'assistant' ? (answer?.text ?? '') : content
    if (text !== '') messages.push({ role, content: text })
  }
  return messages
}

function abortReason({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new DOMException('The answer was stopped.', 'AbortError')
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortReason(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
