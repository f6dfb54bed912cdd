// npm run bench:models -- [--mb 256] [--runs 3]
//
// How fast models travel between peers on one machine, against a raw libp2p stream over the same kind of connection in the
// same run, and what givers that lie or stall cost. Prints a table and writes bench/results/models.json.

import { fork, type ChildProcess } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { groupRelays, parseRelay } from '@shard/protocol/swarm'
import { CID } from 'multiformats/cid'
import { fileCid, ModelFetcher, ModelLibrary } from '../node-shard/dist/models/index.js'
import { startPeer } from '../node-shard/dist/swarm/index.js'

const RAW = '/shard-bench/raw/1'
const GIVER = fileURLToPath(new URL('lib/giver.ts', import.meta.url))
const RESULTS = fileURLToPath(new URL('results/models.json', import.meta.url))

type Job = 'raw' | 'pull' | 'mixed' | 'sha256' | 'import'

/** Seconds; `cpu` of this process alone, which is the one that fetches. */
interface Cost {
  wall: number
  cpu: number
}

interface Giver {
  process: ChildProcess
  addresses: string[]
  manifest: string
}

const { values } = parseArgs({
  options: { mb: { type: 'string', default: '256' }, runs: { type: 'string', default: '3' } }
})
const bytes = Number(values.mb) * 1_000_000
const runs = Number(values.runs)
const folder = await mkdtemp(join(tmpdir(), 'shard-bench-'))
const givers: Giver[] = []

try {
  const file = join(folder, 'model.bin')
  await makeFile(file, bytes)
  for (const behaviour of ['honest', 'honest', 'corrupt', 'silent']) {
    givers.push(await startGiver(file, join(folder, `giver${givers.length}`), behaviour))
  }
  const [one, , corrupt, silent] = givers as [Giver, Giver, Giver, Giver]

  const jobs: Record<Job, () => Promise<unknown>> = {
    raw: async () => fetchRaw(one),
    pull: async () => pull([one]),
    mixed: async () => pull([corrupt, silent, one]),
    sha256: async () => sha256(file),
    import: async () => fileCid(file)
  }
  const costs = new Map<Job, Cost[]>()
  for (let run = 0; run < runs; run++) {
    for (const [job, work] of Object.entries(jobs) as Array<[Job, () => Promise<unknown>]>) {
      costs.set(job, [...(costs.get(job) ?? []), await measure(work)])
    }
  }
  await report((job) => ({
    wall: median((costs.get(job) ?? []).map(({ wall }) => wall)),
    cpu: median((costs.get(job) ?? []).map(({ cpu }) => cpu))
  }))
} finally {
  givers.forEach(({ process: child }) => child.kill())
  await rm(folder, { recursive: true, force: true })
}
process.exit()

async function makeFile(path: string, size: number): Promise<void> {
  const handle = await open(path, 'w')
  const block = Buffer.alloc(1_000_000)
  for (let done = 0; done < size; done += block.byteLength) {
    await handle.write(randomFillSync(block))
  }
  await handle.close()
}

async function startGiver(file: string, data: string, behaviour: string): Promise<Giver> {
  const child = fork(GIVER, [file, data, behaviour], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [ready] = (await once(child, 'message')) as [Omit<Giver, 'process'>]
  return { process: child, ...ready }
}

/** What to dial; each address names the peer. */
function placesOf({ addresses }: Giver) {
  return groupRelays(addresses.map(parseRelay)).flatMap(({ addresses: places }) => places)
}

async function fetchRaw(giver: Giver): Promise<void> {
  const { libp2p, stop } = await startPeer([])
  try {
    const stream = await libp2p.dialProtocol(placesOf(giver), RAW)
    let received = 0
    for await (const chunk of stream) {
      received += chunk.byteLength
    }
    if (received !== bytes) {
      throw new Error(`${received} of ${bytes} bytes came`)
    }
  } finally {
    await stop()
  }
}

/** With what a pull is: a new node, finding who has it, checking every block, and writing it to the disk. */
async function pull(from: Giver[]): Promise<void> {
  const { libp2p, stop } = await startPeer([])
  const data = await mkdtemp(join(folder, 'pull-'))
  try {
    await Promise.all(from.map(async (giver) => libp2p.dial(placesOf(giver))))
    const library = new ModelLibrary(data)
    const swarm = { libp2p, directory: libp2p.services.announce }
    await new ModelFetcher({ swarm, library }).pull(CID.parse(from[0]?.manifest ?? ''))
  } finally {
    await stop()
    await rm(data, { recursive: true })
  }
}

async function sha256(path: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk as Uint8Array)
  }
}

async function measure(work: () => Promise<unknown>): Promise<Cost> {
  const before = performance.now()
  const used = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(used)
  return { wall: (performance.now() - before) / 1000, cpu: (user + system) / 1e6 }
}

function median(list: number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
}

async function report(cost: (job: Job) => Cost): Promise<void> {
  const share = (of: Job, against: Job, by: keyof Cost): string =>
    `${Math.round((100 * cost(against)[by]) / cost(of)[by])} %`
  const rows: Array<[Job, string, string]> = [
    ['raw', 'raw stream', ''],
    [
      'pull',
      'pull, one honest giver',
      `${share('pull', 'raw', 'wall')} of the raw stream, ${share('pull', 'raw', 'cpu')} by CPU time`
    ],
    [
      'mixed',
      'pull, one honest, one corrupt, one silent',
      `${(cost('mixed').wall / cost('pull').wall).toFixed(2)} times as long as from one honest giver`
    ],
    ['sha256', 'SHA-256 of the file', ''],
    [
      'import',
      'import (its CID)',
      `${share('import', 'sha256', 'wall')} of SHA-256, ${share('import', 'sha256', 'cpu')} by CPU time`
    ]
  ]
  const load = loadavg()[0] ?? 0
  process.stdout.write(
    `${bytes / 1e6} MB over TCP on loopback, median of ${runs} runs, load ${load.toFixed(1)} on ${cpus().length} cores\n`
  )
  for (const [job, what, note] of rows) {
    const { wall, cpu } = cost(job)
    const speed = `${(bytes / wall / 1e6).toFixed(1)} MB/s`
    process.stdout.write(`${what.padEnd(43)}${speed.padStart(12)}${`${cpu.toFixed(2)} s CPU`.padStart(12)}  ${note}\n`)
  }
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load }
  const results = Object.fromEntries(rows.map(([job]) => [job, cost(job)]))
  const text = JSON.stringify(
    { bench: 'models', machine, bytes, runs, results, maxRssBytes: process.resourceUsage().maxRSS * 1024 },
    null,
    2
  )
  await mkdir(fileURLToPath(new URL('results/', import.meta.url)), { recursive: true })
  await writeFile(RESULTS, `${text}\n`)
}
