import { readGgufTokenizer, tokenizerHash, Vocabulary } from '@shard/protocol/model'
import { raceSignal } from 'race-signal'
import { promptText } from './prompt-text.ts'
import { probeWebGpu } from './webgpu.ts'
import { WllamaSession } from './wllama-session.ts'
import type { Backend, EngineHost, EngineStatus, Loaded, LoadRequest } from './engine-api.ts'

/**
 * Up to this many bytes, a model is loaded on both back ends and the faster one is kept: on WebGPU a token costs about
 * 9 ms however small the model is, so a small draft is often faster in WebAssembly. Above it, WebGPU has always won.
 */
const MEASURE_UP_TO_BYTES = 96 * 1024 * 1024

/** A call that a Scout makes all the time: a few tokens after a rollback. */
const MEASURED_TOKENS = 8

/** Longest wait for one draft on WebGPU, in ms. Some drivers lose the device without a word to the page. */
const WEBGPU_SILENCE = 20_000

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

async function chooseSession(request: LoadRequest): Promise<{ session: WllamaSession; reason: string }> {
  const probe = await probeWebGpu(navigator.gpu)
  if (!probe.usable) return { session: await WllamaSession.open('wasm', request), reason: probe.reason }

  let gpu: WllamaSession
  try {
    gpu = await WllamaSession.open('webgpu', request)
  } catch (error) {
    const reason = `the model did not load on WebGPU (${message(error)})`
    return { session: await WllamaSession.open('wasm', request), reason }
  }
  if (request.model.size > MEASURE_UP_TO_BYTES) return { session: gpu, reason: `runs on ${probe.adapter}` }

  const gpuMs = await measure(gpu).catch((error: unknown) => new Error(message(error)))
  if (gpuMs instanceof Error) {
    await gpu.close().catch(() => {})
    const reason = `WebGPU failed its first draft (${gpuMs.message})`
    return { session: await WllamaSession.open('wasm', request), reason }
  }
  const cpu = await WllamaSession.open('wasm', request).catch(() => undefined)
  const cpuMs = cpu == null ? Infinity : await measure(cpu).catch(() => Infinity)
  const figures = `${MEASURED_TOKENS} tokens take ${named('webgpu', gpuMs)} on ${probe.adapter} and ${named('wasm', cpuMs)} on the processor`
  const [best, other] = cpu != null && cpuMs <= gpuMs ? [cpu, gpu] : [gpu, cpu]
  await other?.close().catch(() => {})
  return { session: best, reason: figures }
}

const named = (backend: Backend, ms: number): string =>
  ms === Infinity ? `(${backend} does not run)` : `${Math.round(ms)} ms`

/** Ms of a call like a Scout's, after a first one that compiles shaders and fills the cache. */
async function measure(session: WllamaSession): Promise<number> {
  const prompt = 'The quick brown fox jumps over the lazy dog. '
  await within(WEBGPU_SILENCE, session.complete(prompt, MEASURED_TOKENS, { endless: true }))
  const start = performance.now()
  await within(WEBGPU_SILENCE, session.complete(prompt, MEASURED_TOKENS, { endless: true }))
  return performance.now() - start
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const translateError = (): Error => new Error(`no answer for ${ms / 1000} s`)
  return raceSignal(work, AbortSignal.timeout(ms), { translateError })
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
