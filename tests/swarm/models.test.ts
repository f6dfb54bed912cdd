import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/lib/root.ts'
import { SwarmProcesses } from './lib/processes.ts'

const TARGET = join(ROOT, 'models', 'shard-tiny-q4_0.gguf')
const DRAFT = join(ROOT, 'models', 'shard-tiny-draft-q8_0.gguf')
const SHARD = join('node-shard', 'dist', 'cli', 'index.js')
const KILLS = 10

interface Event {
  event?: string
  code?: string
  what?: string
  bytes?: number
  total?: number
  target?: string
  draft?: string
  name?: string
  model?: string
  state?: string
  message?: string
}

interface Result {
  events: Event[]
  exitCode: number | null
}

/** Runs a command of the CLI to its end; `watch` may end it before. */
async function shard(args: string[], watch?: (event: Event, kill: () => void) => void): Promise<Result> {
  const child = spawn(process.execPath, [SHARD, ...args, '--json'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const events: Event[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as Event
    events.push(event)
    watch?.(event, () => child.kill('SIGKILL'))
  }
  return { events, exitCode: await exited }
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

describe('a model of the swarm', () => {
  let swarm: SwarmProcesses
  let model: string
  let folder: string
  let data: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shard-models-'))
    data = join(folder, 'data')
    swarm = await SwarmProcesses.start()
    const limits = ['--upload-limit', '10']
    const giver = await swarm.shard('giver', [TARGET, '--draft', DRAFT, '--name', 'travelling', ...limits])
    model = giver.manifest
  })

  afterAll(async () => {
    await swarm.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('is pulled whole, however often the pull is killed, and nothing that came is fetched again', async () => {
    const pull = ['pull', model, '--relay', swarm.relay, '--data', data]
    let held = 0
    for (let kills = 0; kills < KILLS; kills++) {
      let first: number | undefined
      let last = 0
      await shard(pull, ({ event, what, bytes = 0 }, kill) => {
        if (event !== 'progress' || what !== 'target') {
          return
        }
        first ??= bytes
        last = bytes
        if (bytes > first) {
          kill()
        }
      })
      expect(first ?? held).toBeGreaterThanOrEqual(held)
      held = Math.max(held, last)
      expect((await readdir(join(data, 'models'))).filter((name) => name.endsWith('.gguf')).length).toBeLessThan(2)
    }
    const { events, exitCode } = await shard(pull)
    expect(exitCode).toBe(0)
    const done = events.at(-1)
    expect(done).toMatchObject({ event: 'done', model, name: 'travelling' })
    expect(await sha256(done?.target ?? '')).toBe(await sha256(TARGET))
    expect(await sha256(done?.draft ?? '')).toBe(await sha256(DRAFT))
  })

  it('is listed, shown and served by its name', async () => {
    const listed = (await shard(['ls', '--data', data])).events
    expect(listed).toMatchObject([
      { name: 'shard-tiny', state: 'built in' },
      { name: 'travelling', model, state: 'here' }
    ])
    expect((await shard(['show', 'travelling', '--data', data])).events).toMatchObject([{ model }])
    const second = await swarm.shard('second', ['travelling', '--data', data])
    expect(second.manifest).toBe(model)
    await second.process.stop()
  })

  it('is removed, and is unknown then', async () => {
    const refused = await shard(['rm', 'travelling', '--data', data])
    expect(refused.exitCode).toBe(1)
    expect(refused.events).toMatchObject([{ event: 'error', message: expect.stringContaining('--yes') as string }])
    const { events, exitCode } = await shard(['rm', 'travelling', '--yes', '--data', data])
    expect(exitCode).toBe(0)
    expect(events).toMatchObject([{ event: 'removed', model, bytes: 24_691_040 + 5_643_456 }])
    expect((await shard(['show', model, '--data', data])).events).toMatchObject([{ code: 'UNKNOWN_MODEL' }])
    expect((await readdir(join(data, 'models'))).filter((name) => name !== 'partial')).toEqual([])
  })
})
