// npm run bench:models -- [--mb 256] [--runs 3]
//
// How fast models travel between peers on one machine, against a raw libp2p stream over the same kind of connection in the
// same run, and what givers that lie or stall cost. Prints a table and writes bench/results/models.json.

import { fork, type ChildProcess } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
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

  const raw: number[] = []
  const model: number[] = []
  const mixed: number[] = []
  const hash: number[] = []
  const cid: number[] = []
  for (let run = 0; run < runs; run++) {
    raw.push(await timed(async () => fetchRaw(one)))
    model.push(await timed(async () => pull([one])))
    mixed.push(await timed(async () => pull([corrupt, silent, one])))
    hash.push(await timed(async () => sha256(file)))
    cid.push(await timed(async () => fileCid(file)))
  }
  await report({ raw: median(raw), model: median(model), mixed: median(mixed), hash: median(hash), cid: median(cid) })
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

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return (performance.now() - before) / 1000
}

function median(list: number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
}

async function report(seconds: Record<'raw' | 'model' | 'mixed' | 'hash' | 'cid', number>): Promise<void> {
  const speed = (of: number): number => Math.round(bytes / of / 1e5) / 10
  const share = (of: number, against: number): string => `${Math.round((100 * against) / of)} %`
  const rows = [
    ['raw stream', speed(seconds.raw), ''],
    ['pull, one honest giver', speed(seconds.model), `${share(seconds.model, seconds.raw)} of the raw stream`],
    [
      'pull, one honest, one corrupt, one silent',
      speed(seconds.mixed),
      `${(seconds.mixed / seconds.model).toFixed(2)} times as long as from one honest giver`
    ],
    ['SHA-256 of the file', speed(seconds.hash), ''],
    ['import (its CID)', speed(seconds.cid), `${share(seconds.cid, seconds.hash)} of SHA-256`]
  ] as const
  const lines = rows.map(([what, rate, note]) => `${what.padEnd(44)}${String(rate).padStart(8)} MB/s  ${note}`)
  process.stdout.write(`${bytes / 1e6} MB over TCP on loopback, median of ${runs} runs\n${lines.join('\n')}\n`)
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
  await mkdir(fileURLToPath(new URL('results/', import.meta.url)), { recursive: true })
  await writeFile(
    RESULTS,
    `${JSON.stringify({ bench: 'models', machine, bytes, runs, seconds, maxRssBytes: process.resourceUsage().maxRSS * 1024 }, null, 2)}\n`
  )
}
