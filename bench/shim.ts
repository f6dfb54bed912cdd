// `npm run bench:shim`: what the API adds to an answer. The same questions, to the same Shard in the same process,
// directly and through the API, in turns; medians as a table and as JSON in bench/results/.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Consumer, type Question } from '@shard/protocol/consume'
import { pino } from 'pino'
import { loadBackend, Target } from '../node-shard/dist/engine/index.js'
import { Shard } from '../node-shard/dist/shard/index.js'
import { withLocalShard } from '../node-shard/dist/shard/local.js'
import { createShim } from '../node-shard/dist/shim/index.js'
import { ModelStore } from '../node-shard/dist/store/index.js'

const ROUNDS = 20
const TOKENS = 64
const PROMPT = 'Tell me a short story.'

interface Measured {
  /** Ms until the first token. */
  first: number
  /** Ms of this process's CPU, from the question to the last token. */
  cpu: number
  tokens: number
}

type Measure = () => Promise<Measured>

/** Alone in the swarm: what is measured needs no network. */
const nobody = {
  generate: {
    ask: () => {
      throw new Error('There is nobody else.')
    }
  },
  directory: {
    shards: () => [],
    discover: async () => undefined,
    changed: async () => undefined,
    forget: () => undefined
  }
}

const log = pino({ level: 'silent' })
const folder = await mkdtemp(join(tmpdir(), 'shard-bench-'))
const store = await ModelStore.open(folder)
const { cid, manifest, targetPath } = await store.embedded({})
const llama = await loadBackend({ gpu: 'off', log })
const target = await Target.load({ llama, path: targetPath, log, threads: 1 })
const shard = new Shard({ target, manifest, model: cid, onChange: () => undefined })
const self = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const consumer = new Consumer({ ...withLocalShard(shard, self, nobody as never), connections: () => [], self })
const shim = createShim({
  consumer,
  models: async () => [{ cid, name: manifest.name, shards: 1 }],
  relays: () => [],
  log
})
const url = await shim.listen(0)

const question: Question = {
  model: cid,
  messages: [{ role: 'user', content: PROMPT }],
  sampling: { temperature: 0, seed: 1 },
  maxTokens: TOKENS
}

async function measure(run: (onToken: () => void) => Promise<void>): Promise<Measured> {
  const cpu = process.cpuUsage()
  const started = performance.now()
  let first = NaN
  let tokens = 0
  await run(() => {
    if (tokens++ === 0) first = performance.now() - started
  })
  const { user, system } = process.cpuUsage(cpu)
  return { first, cpu: (user + system) / 1000, tokens }
}

const directly: Measure = async () =>
  measure(async (onToken) => {
    for await (const { type } of consumer.ask(question)) {
      if (type === 'commit') onToken()
    }
  })

/** The client is in this process too, and its work is counted as the API's: the figure is an upper bound. */
const throughApi: Measure = async () =>
  measure(async (onToken) => {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: manifest.name,
        messages: question.messages,
        temperature: 0,
        seed: 1,
        max_tokens: TOKENS,
        stream: true
      })
    })
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      // not the first event, which has the role and no text
      const pieces = decoder.decode(chunk, { stream: true }).split(/"content":"(?!")/).length - 1
      for (let piece = 0; piece < pieces; piece++) onToken()
    }
  })

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const runs: Record<'direct' | 'api', Measured[]> = { direct: [], api: [] }
try {
  await directly()
  await throughApi()
  for (let round = 0; round < ROUNDS; round++) {
    // in turns, and who is first in turns too: what else the machine does meets both
    const pair = [async () => runs.direct.push(await directly()), async () => runs.api.push(await throughApi())]
    for (const run of round % 2 === 0 ? pair : pair.reverse()) await run()
  }
  const of = (name: 'direct' | 'api') => ({
    firstTokenMs: median(runs[name].map(({ first }) => first)),
    cpuMs: median(runs[name].map(({ cpu }) => cpu)),
    commits: median(runs[name].map(({ tokens }) => tokens))
  })
  const [direct, api] = [of('direct'), of('api')]
  const result = {
    bench: 'shim',
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    rounds: ROUNDS,
    tokens: TOKENS,
    direct,
    api,
    firstTokenOverheadMs: median(runs.api.map(({ first }, index) => first - runs.direct[index]!.first)),
    cpuOverheadMsPerCommit:
      median(runs.api.map(({ cpu }, index) => cpu - runs.direct[index]!.cpu)) / Math.max(1, direct.commits)
  }
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
  const results = join(import.meta.dirname, 'results')
  await mkdir(results, { recursive: true })
  await writeFile(join(results, 'shim.json'), `${JSON.stringify(result, undefined, 2)}\n`)
} finally {
  await shim.close()
  shard.close()
  await target.dispose()
  await llama.dispose()
  await store.close()
  await rm(folder, { recursive: true, force: true })
}
