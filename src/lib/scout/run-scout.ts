import { ModelFetchError } from '../models/errors.ts'
import { LOOK_EVERY, MAX_CONTEXT_LENGTH } from './constants.ts'
import { SteadyEngine } from './steady-engine.ts'
import { Totals } from './totals.ts'
import type { FetchProgress } from '../models/fetch-model.ts'
import type { TabSwarm } from '../swarm/tab-swarm.ts'
import type { DraftEngine, ScoutRunnerInit, ScoutStats } from '@shard/protocol/draft'
import type { GgufDraft, Manifest } from '@shard/protocol/model'
import type { CID } from 'multiformats/cid'
import type { EngineStatus } from './engine-api.ts'
import type { ScoutFigures } from './totals.ts'

/** A draft engine that can say why it is what it is. */
export type TabEngine = DraftEngine & { readonly reason: string }

export interface EngineInit {
  model: Blob
  contextLength: number
  signal: AbortSignal
  onStatus: (status: EngineStatus) => void
}

/** The part of `ScoutRunner` that is used here. */
export interface Runner {
  readonly stats: ScoutStats
  addEventListener(type: 'update', listener: () => void): void
  start(): void
  stop(): Promise<void>
}

/** What a Scout is made of. Tests give their own. */
export interface ScoutParts {
  swarm(): Promise<TabSwarm>
  fetchManifest(swarm: TabSwarm, cid: CID, options: { signal: AbortSignal }): Promise<Manifest>
  fetchModel(
    swarm: TabSwarm,
    file: GgufDraft,
    options: { signal: AbortSignal; onProgress: (progress: FetchProgress) => void }
  ): Promise<Blob>
  loadEngine(init: EngineInit): Promise<TabEngine>
  createRunner(init: ScoutRunnerInit): Promise<Runner>
}

/** What the person sees of a Scout, in the order in which it happens. */
export type ScoutReport =
  /** Looks for a Shard whose model has a draft that runs in a tab. */
  | { step: 'searching' }
  | { step: 'downloading'; model: string; progress: FetchProgress }
  | { step: 'loading'; model: string }
  /** Offers itself to Shards, and drafts when one of them has work. */
  | { step: 'running'; model: string; engine: { name: string; reason: string }; figures: ScoutFigures }

/**
 * One Scout's life: finds a model that is served, fetches its draft, loads it and drafts until `signal` is aborted.
 *
 * @throws whatever stopped it: the signal's reason, a ModelFetchError, the engine's last error
 */
export async function runScout(
  parts: ScoutParts,
  report: (report: ScoutReport) => void,
  signal: AbortSignal
): Promise<never> {
  report({ step: 'searching' })
  const swarm = await parts.swarm()
  const { cid, manifest, build } = await findModel(parts, swarm, signal)
  const model = build.name

  const blob = await parts.fetchModel(swarm, build, {
    signal,
    onProgress: (progress) => report({ step: 'downloading', model, progress })
  })
  report({ step: 'loading', model })

  const totals = new Totals()
  let runner: Runner | undefined
  const running = (): void => {
    if (runner == null) return
    report({
      step: 'running',
      model,
      engine: { name: engine.name, reason: engine.reason },
      figures: totals.figures(runner.stats)
    })
  }
  const engine = await parts.loadEngine({
    model: blob,
    contextLength: Math.min(manifest.contextLength, MAX_CONTEXT_LENGTH),
    signal,
    onStatus: () => running()
  })
  try {
    checkTokenizer(engine, manifest)
    const steady = new SteadyEngine(engine)
    runner = await parts.createRunner({
      draft: swarm.libp2p.services.draft,
      directory: swarm.directory,
      engine: steady,
      model: cid,
      log: swarm.libp2p.logger.forComponent('shard:scout')
    })
    runner.addEventListener('update', running)
    runner.start()
    running()
    return await steady.failed(signal)
  } finally {
    await runner?.stop()
    await engine.dispose()
  }
}

interface FoundModel {
  cid: CID
  manifest: Manifest
  build: GgufDraft
}

/** The model that most Scouts are wanted for, of those that have a draft for a tab. Waits until there is one. */
async function findModel(parts: ScoutParts, swarm: TabSwarm, signal: AbortSignal): Promise<FoundModel> {
  const useless = new Set<string>()
  for (;;) {
    let failure: unknown
    for (const cid of wantedModels(swarm)) {
      if (useless.has(cid.toString())) continue
      try {
        const manifest = await parts.fetchManifest(swarm, cid, { signal })
        const build = manifest.drafts.find(({ engine }) => engine === 'gguf')
        if (build != null) return { cid, manifest, build }
        useless.add(cid.toString())
      } catch (error) {
        signal.throwIfAborted()
        // Another model may be fetched; a manifest that is none stays none.
        if (!(error instanceof ModelFetchError)) useless.add(cid.toString())
        failure = error
      }
    }
    if (failure instanceof ModelFetchError) throw failure
    await swarm.directory.changed({ signal, timeout: LOOK_EVERY })
    signal.throwIfAborted()
  }
}

function wantedModels(swarm: TabSwarm): CID[] {
  const wanted = new Map<string, { cid: CID; scouts: number }>()
  for (const { models, scoutsWanted } of swarm.directory.shards()) {
    for (const { manifest: cid } of models) {
      const entry = wanted.get(cid.toString()) ?? { cid, scouts: 0 }
      entry.scouts += scoutsWanted
      wanted.set(cid.toString(), entry)
    }
  }
  return [...wanted.values()].sort((a, b) => b.scouts - a.scouts).map(({ cid }) => cid)
}

function checkTokenizer(engine: DraftEngine, manifest: Manifest): void {
  const same =
    engine.tokenizer.length === manifest.tokenizer.length &&
    engine.tokenizer.every((byte, index) => byte === manifest.tokenizer[index])
  if (!same) {
    const words = 'The draft model does not have the tokenizer that its manifest names. Tell whoever runs the Shard.'
    throw new ModelFetchError('WRONG_FILE', words)
  }
}
