import { readGgufTokenizer, tokenizerHash, Vocabulary } from '@shard/protocol/model'
import { chooseSession } from './choose-session.ts'
import { promptText } from './prompt-text.ts'
import { message, WEBGPU_SILENCE, within } from './wait.ts'
import { WllamaSession } from './wllama-session.ts'
import type { EngineHost, EngineStatus, Loaded, LoadRequest } from './engine-api.ts'

/** Crashes of the WASM back end after which this engine gives up. */
const MAX_CRASHES = 3

/** The Worker's half of `WllamaEngine`: chooses the back end, serialises drafts, survives a lost graphics card. */
export class DraftHost implements EngineHost {
  #request: LoadRequest | undefined
  #vocabulary: Vocabulary | undefined
  #session: WllamaSession | undefined
  #onStatus: (status: EngineStatus) => void = () => {}
  #queue: Promise<unknown> = Promise.resolve()
  #crashes = 0
  readonly #drafts = new Map<number, AbortController>()

  async load(request: LoadRequest, onStatus: (status: EngineStatus) => void): Promise<Loaded> {
    const tokenizer = await readGgufTokenizer(request.model)
    this.#vocabulary = new Vocabulary(tokenizer)
    this.#request = request
    this.#onStatus = onStatus
    const { session, reason } = await chooseSession(request)
    this.#session = session
    return {
      backend: session.backend,
      reason,
      tokenizer: await tokenizerHash(tokenizer),
      contextLength: session.info.contextLength
    }
  }

  draft(id: number, context: readonly number[], k: number): Promise<number[]> {
    const controller = new AbortController()
    this.#drafts.set(id, controller)
    const result = this.#queue.then(() => this.#draft(context, k, controller.signal))
    this.#queue = result.catch(() => {})
    return result.finally(() => this.#drafts.delete(id))
  }

  abort(id: number): void {
    this.#drafts.get(id)?.abort()
  }

  async #draft(context: readonly number[], k: number, signal: AbortSignal): Promise<number[]> {
    for (;;) {
      signal.throwIfAborted()
      const session = this.#session
      if (session == null) throw new Error('The draft model is not loaded. Switch contributing off and on again.')
      try {
        return await this.#draftOn(session, context, k, signal)
      } catch (error) {
        if (signal.aborted) throw error
        await this.#replace(session, error)
      }
    }
  }

  async #draftOn(
    session: WllamaSession,
    context: readonly number[],
    k: number,
    signal: AbortSignal
  ): Promise<number[]> {
    const { info } = session
    const { contextLength, bos } = info
    const room = Math.min(k, contextLength - context.length)
    if (context.length === 0 || room <= 0 || this.#vocabulary == null) return []

    // llama.cpp adds this token by itself.
    const implied = bos != null && context[0] === bos ? 1 : 0
    const prompt = promptText(this.#vocabulary, context.slice(implied))
    if (prompt == null || prompt.text === '') return []

    const completion = session.complete(prompt.text, room + prompt.held, { signal })
    const { tokens, promptTokens } = await (session.backend === 'webgpu'
      ? within(WEBGPU_SILENCE, completion)
      : completion)
    // The same text can be split into other tokens than the target's (a non-canonical context, or control tokens that
    // a person typed); a continuation of those would be a guess about another position.
    if (promptTokens !== context.length - prompt.held) return []

    const held = context.slice(context.length - prompt.held)
    if (held.some((token, index) => tokens[index] !== token)) return []
    const drafted = tokens.slice(held.length)
    const end = drafted.findIndex((token) => info.isEndOfTurn(token))
    return end === -1 ? drafted : drafted.slice(0, end)
  }

  /** After a crash: the same model on WASM, or the error if that has crashed too often. */
  async #replace(crashed: WllamaSession, cause: unknown): Promise<void> {
    await crashed.close().catch(() => {})
    this.#session = undefined
    if (crashed.backend === 'wasm' && ++this.#crashes >= MAX_CRASHES) throw cause
    if (this.#request == null) throw cause
    this.#session = await WllamaSession.open('wasm', this.#request)
    const reason =
      crashed.backend === 'webgpu'
        ? `WebGPU stopped working (${message(cause)}), so the processor drafts instead`
        : `the engine was restarted after a fault (${message(cause)})`
    this.#onStatus({ backend: 'wasm', reason })
  }
}
