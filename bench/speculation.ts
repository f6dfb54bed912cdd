// `npm run bench:speculation`: is a Shard ever slower than its model alone, and what do drafts give? One generation at a
// time, greedy, embedded pair. Contestants take turns; medians and ratios are told. See docs/BENCHMARKS.md.
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { pino } from 'pino'
import { DraftPolicy, type Ask } from '@shard/protocol/generate'
import { encodeManifest } from '@shard/protocol/model'
import { resolveSampling } from '@shard/protocol/sampling'
import { LlamaDraftEngine, loadBackend, Target } from '../node-shard/dist/engine/index.js'
import { median } from '../node-shard/dist/engine/median.js'
import { Shard } from '../node-shard/dist/shard/index.js'
import { embeddedFiles } from '../node-shard/dist/store/index.js'
import { ReplayScout } from './lib/replay-scout.ts'

const QUESTION = 'Tell me a long story about a dog.'
const TOKENS = 96
const ROUNDS = Number(process.argv[2] ?? 7)
const DEEPEST = 15

const log = pino({ level: 'silent' })
const { manifest, targetPath, draftPath } = await embeddedFiles()
const { cid } = await encodeManifest(manifest)
const llama = await loadBackend({ gpu: 'off', log })
const target = await Target.load({ llama, path: targetPath, log, slots: 1, threads: 1 })
const shard = new Shard({ target, manifest, model: cid, onChange: () => undefined })

const model = await llama.loadModel({ modelPath: targetPath })
const plain = (await model.createContext({ contextSize: 2048, threads: 1, flashAttention: true })).getSequence()
const prompt = target.prompts.chat([{ role: 'user', content: QUESTION }])

const ask: Ask = {
  model: new Uint8Array(cid.bytes),
  messages: [{ role: 'user', content: QUESTION }],
  sampling: resolveSampling({ temperature: 0, seed: 1 }),
  maxTokens: TOKENS,
  stop: [],
  committed: [],
  draftPolicy: DraftPolicy.ANYONE
}

/** Ms for each token after the first one: node-llama-cpp by itself, no code of ours. */
async function alone(): Promise<{ tokens: number[]; ms: number }> {
  await plain.clearHistory()
  const tokens: number[] = []
  let started = 0
  for await (const token of plain.evaluate(prompt as Parameters<typeof plain.evaluate>[0], {
    temperature: 0,
    yieldEogToken: true
  })) {
    if (tokens.length === 0) started = performance.now()
    tokens.push(token)
    if (tokens.length >= TOKENS || model.isEogToken(token)) break
  }
  return { tokens, ms: (performance.now() - started) / (tokens.length - 1) }
}

async function throughShard(): Promise<{ tokens: number[]; ms: number }> {
  const tokens: number[] = []
  let first: { at: number; tokens: number } | undefined
  const signal = new AbortController().signal
  const { peer } = await nobody
  for await (const { commit } of shard.answer(ask, { peer, signal })) {
    if (commit == null) continue
    tokens.push(...commit.tokens)
    first ??= { at: performance.now(), tokens: tokens.length }
  }
  return { tokens, ms: first == null ? NaN : (performance.now() - first.at) / (tokens.length - first.tokens) }
}

const truth = (await alone()).tokens
const engine = await LlamaDraftEngine.load({ llama, path: draftPath, threads: 1 })
const recorded: number[][] = []
for (let position = 0; position < truth.length; position++) {
  recorded.push(await engine.draft([...prompt, ...truth.slice(0, position)], DEEPEST))
}
await engine.dispose()

const offer = { model: ask.model, tokenizer: new Uint8Array(target.tokenizer), engine: 'replay' }
const nobody = ReplayScout.join({ pool: shard.scouts, offer, guess: () => [], delay: 0 })
const real = (position: number): readonly number[] => recorded[position] ?? []
const wrong = (position: number): readonly number[] => (truth[position] == null ? [] : Array<number>(DEEPEST).fill(5))

const scouts: Record<string, { guess: (position: number) => readonly number[]; delay: number } | undefined> = {
  'Shard, no Scout': undefined,
  'Shard, Scout of the real draft model, at once': { guess: real, delay: 0 },
  'Shard, the same, 5 ms later': { guess: real, delay: 5 },
  'Shard, the same, 50 ms later': { guess: real, delay: 50 },
  'Shard, Scout that is always wrong': { guess: wrong, delay: 0 }
}

const times = new Map<string, number[]>()
const note = (name: string, ms: number): void => {
  times.set(name, [...(times.get(name) ?? []), ms])
}
let differences = 0
for (let round = 0; round < ROUNDS; round++) {
  note('node-llama-cpp alone', (await alone()).ms)
  for (const [name, behaviour] of Object.entries(scouts)) {
    const scout = behaviour == null ? undefined : await ReplayScout.join({ pool: shard.scouts, offer, ...behaviour })
    const { tokens, ms } = await throughShard()
    scout?.leave()
    note(name, ms)
    differences += tokens.filter((token, index) => token !== truth[index]).length
  }
}

const base = median(times.get('node-llama-cpp alone') ?? [])
const rows = [...times].map(([name, ms]) => ({
  name,
  'tokens/s': Math.round(1000 / median(ms)),
  'against alone': Number((base / median(ms)).toFixed(2))
}))
console.table(rows)
console.log(`${differences} tokens differ from the target's own; ${truth.length} tokens an answer, ${ROUNDS} rounds`)
const cost = target.cost.toJSON()
console.log('ms of a batch:', cost)
const [cpu] = cpus()
await mkdir('bench/results', { recursive: true })
const result = {
  command: 'npm run bench:speculation',
  cpu: cpu?.model,
  cores: cpus().length,
  node: process.version,
  rounds: ROUNDS,
  rows,
  differences,
  cost
}
await writeFile('bench/results/speculation.json', `${JSON.stringify(result, null, 2)}\n`)
process.exit(0)
