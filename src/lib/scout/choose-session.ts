import { message, WEBGPU_SILENCE, within } from './wait.ts'
import { probeWebGpu } from './webgpu.ts'
import { WllamaSession } from './wllama-session.ts'
import type { LoadRequest } from './engine-api.ts'

/**
 * Up to this many bytes, a model is loaded on both back ends and the faster one is kept: on WebGPU a token costs about
 * 9 ms however small the model is, so a small draft is often faster in WebAssembly. Above it, WebGPU has always won.
 */
const MEASURE_UP_TO_BYTES = 96 * 1024 * 1024

/** A call that a Scout makes all the time: a few tokens after a rollback. What the text says does not matter. */
const SAMPLE_PROMPTS = ['The quick brown fox jumps over the lazy dog. ', 'Once upon a time there was a small town. ']
const SAMPLE_TOKENS = 8

/** Calls in a row that are no faster than the best, after which the engine is warm; and ms to wait for that at most. */
const STEADY_CALLS = 4
const WARM_UP_AT_MOST = 2_000

export interface ChosenSession {
  session: WllamaSession
  /** Why this back end, as a part of a sentence for people. */
  reason: string
}

/**
 * Loads the model on the back end that drafts fastest here, ready to draft at full speed.
 *
 * @throws Error where not even WASM loads it
 */
export async function chooseSession(request: LoadRequest): Promise<ChosenSession> {
  const probe = await probeWebGpu(navigator.gpu)
  if (!probe.usable) return wasmBecause(probe.reason, request)

  let gpu: WllamaSession
  try {
    gpu = await WllamaSession.open('webgpu', request)
  } catch (error) {
    return wasmBecause(`the model did not load on WebGPU (${message(error)})`, request)
  }
  let gpuMs: number
  try {
    gpuMs = await warmUp(gpu)
  } catch (error) {
    await gpu.close().catch(() => {})
    return wasmBecause(`WebGPU failed its first draft (${message(error)})`, request)
  }
  if (request.model.size > MEASURE_UP_TO_BYTES) return { session: gpu, reason: `runs on ${probe.adapter}` }

  const cpu = await openWarm(request)
  if (cpu == null) return { session: gpu, reason: `runs on ${probe.adapter}, and WASM does not run here` }
  const figures = `${Math.round(gpuMs)} ms on ${probe.adapter} and ${Math.round(cpu.ms)} ms on the processor`
  const [best, other] = cpu.ms <= gpuMs ? [cpu.session, gpu] : [gpu, cpu.session]
  await other.close().catch(() => {})
  return { session: best, reason: `${SAMPLE_TOKENS} tokens take ${figures}` }
}

async function wasmBecause(reason: string, request: LoadRequest): Promise<ChosenSession> {
  const session = await WllamaSession.open('wasm', request)
  await warmUp(session)
  return { session, reason }
}

async function openWarm(request: LoadRequest): Promise<{ session: WllamaSession; ms: number } | undefined> {
  const session = await WllamaSession.open('wasm', request).catch(() => undefined)
  try {
    return session == null ? undefined : { session, ms: await warmUp(session) }
  } catch {
    await session?.close().catch(() => {})
    return undefined
  }
}

/**
 * Drafts until it gets no faster, and gives the ms of the fastest call. Browsers compile WebAssembly quickly at first
 * and well only what turns out to be hot, and WebGPU its shaders at first use: over the first dozen calls an engine
 * gets several times faster, and without this a Scout would miss its first answers.
 */
async function warmUp(session: WllamaSession): Promise<number> {
  const end = performance.now() + WARM_UP_AT_MOST
  let best = Infinity
  for (let call = 0, steady = 0; steady < STEADY_CALLS && (call < 2 || performance.now() < end); call++) {
    const start = performance.now()
    const prompt = SAMPLE_PROMPTS[call % SAMPLE_PROMPTS.length] ?? ''
    await within(WEBGPU_SILENCE, session.complete(prompt, SAMPLE_TOKENS, { endless: true }))
    const ms = performance.now() - start
    steady = ms < 0.9 * best ? 0 : steady + 1
    best = Math.min(best, ms)
  }
  return best
}
