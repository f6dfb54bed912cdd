import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runSwarm, type SwarmInit } from '../../scripts/lib/swarm.ts'
import { standIns, type StandInInit } from './stand-ins/commands.ts'

let folder: string
let journal: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shard-house-'))
  journal = join(folder, 'journal')
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const lines = async (): Promise<string[]> => (await readFile(journal, 'utf8').catch(() => '')).trim().split('\n')

/** Ids of the processes that began, whatever became of them. */
const pids = async (): Promise<number[]> =>
  (await lines()).filter((line) => /^(start|consumer) /.test(line)).map((line) => Number(line.split(' ')[1]))

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function expectNobodyLeft(count: number): Promise<void> {
  const started = await pids()
  expect(started).toHaveLength(count)
  await vi.waitFor(() => expect(started.filter(isAlive)).toEqual([]), { timeout: 10_000 })
}

function swarm(standIn: Partial<StandInInit>, init: Partial<SwarmInit> = {}): Promise<number> {
  return runSwarm({
    commands: standIns({ journal, ...standIn }),
    cwd: folder,
    say: () => undefined,
    onReady: () => undefined,
    signal: new AbortController().signal,
    ...init
  })
}

describe('runSwarm', () => {
  it('gives the Shard the WebSocket address of the relay, says what runs, and stops both with exit code 0', async () => {
    const controller = new AbortController()
    const onReady = vi.fn(() => controller.abort())
    const code = await swarm({}, { onReady, signal: controller.signal })
    expect(code).toBe(0)
    expect(onReady).toHaveBeenCalledWith(expect.objectContaining({ peer: 'relay-peer' }), {
      peer: 'shard-peer',
      model: 'tiny',
      api: 'http://127.0.0.1:3/v1',
      app: 'http://127.0.0.1:3'
    })
    const [relay, shard] = await pids()
    expect(await lines()).toEqual([
      `start ${relay} well relay`,
      `start ${shard} well shard /ip4/127.0.0.1/tcp/2/ws/p2p/r`,
      `SIGTERM ${shard}`,
      `SIGTERM ${relay}`
    ])
    await expectNobodyLeft(2)
  })

  it.each(['0', '4'])('passes the question to a Consumer and returns its exit code %s', async (consumer) => {
    expect(await swarm({ consumer }, { question: 'Why -- really?' })).toBe(Number(consumer))
    expect((await lines())[2]).toMatch(/^consumer \d+ \/ip4\/127.0.0.1\/tcp\/2\/ws\/p2p\/r Why -- really\?$/)
    await expectNobodyLeft(3)
  })

  it('stops a Consumer in mid-answer, with the exit code of an interrupted program', async () => {
    const controller = new AbortController()
    const running = swarm({ consumer: 'hang' }, { question: 'Why?', signal: controller.signal })
    await vi.waitFor(async () => expect(await pids()).toHaveLength(3), { timeout: 20_000 })
    controller.abort()
    expect(await running).toBe(130)
    await expectNobodyLeft(3)
  })

  it('shows the last words of a Shard that dies, and stops the relay', async () => {
    await expect(swarm({ shard: 'die' })).rejects.toThrow(
      'The Shard ended with exit code 7. Its last lines:\n  {"event":"starting"}\n  out of memory, for example'
    )
    await expectNobodyLeft(2)
  })

  it('shows once what a relay said in two ways, and starts no Shard', async () => {
    await expect(swarm({ relay: 'fail' })).rejects.toThrow(
      /^The relay ended with exit code 3\. Its last lines:\n {2}TCP port 4 is taken\.$/
    )
    await expectNobodyLeft(1)
  })

  it('gives up on a Shard that is never ready', async () => {
    await expect(swarm({ shard: 'silent', shardTimeout: 1_500 })).rejects.toThrow(
      'The Shard was not ready after 1.5 s.'
    )
    await expectNobodyLeft(2)
  })

  it('refuses a ready line that lacks what it must say', async () => {
    await expect(swarm({ shardReady: { event: 'ready', peer: 'p' } })).rejects.toThrow(
      'The Shard did not say its model'
    )
    await expectNobodyLeft(2)
  })

  it('kills a Shard that ignores SIGTERM', async () => {
    const controller = new AbortController()
    const code = await swarm({ shard: 'stubborn' }, { onReady: () => controller.abort(), signal: controller.signal })
    expect(code).toBe(0)
    await expectNobodyLeft(2)
  })

  it('ends with 0 when it is interrupted before anything is ready', async () => {
    expect(await swarm({}, { signal: AbortSignal.abort() })).toBe(0)
    await expectNobodyLeft((await pids()).length)
  })
})

describe('a launcher in a process of its own', () => {
  async function launch() {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'stand-ins', 'launcher.ts'), journal], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true
    })
    await once(child.stdout, 'data')
    return child
  }

  it('stops its peers in order and exits 0, though the terminal and npm both send Ctrl-C', async () => {
    const child = await launch()
    const { pid } = child
    if (pid == null) throw new Error('the launcher did not start')
    process.kill(-pid, 'SIGINT')
    process.kill(pid, 'SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect((await lines()).filter((line) => line.startsWith('SIGINT'))).toEqual([])
    await expectNobodyLeft(2)
  })

  it('leaves nobody behind when it is killed', async () => {
    const child = await launch()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expectNobodyLeft(2)
    expect((await lines()).filter((line) => line.startsWith('disconnect'))).toHaveLength(2)
  })
})
