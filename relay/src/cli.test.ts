import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { webRTCDirect } from '@libp2p/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { NO_ICE_SERVERS, swarmDefaults } from '@shard/protocol/swarm'
import { createLibp2p } from 'libp2p'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import type { Libp2p } from 'libp2p'

// Each test starts a process or two on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const LOCAL = ['--host', '127.0.0.1', '--port', '0']

interface Run {
  child: ChildProcess
  /** The next line of stdout; undefined at its end. */
  line: () => Promise<string | undefined>
  end: Promise<{ code: number | null; stdout: string[]; stderr: string }>
}

let data: string
const children: ChildProcess[] = []

beforeAll(() => {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run "npm run build:packages" first`)
})

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'shard-relay-cli-'))
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(data, { recursive: true, force: true })
})

function run(args: string[], ipc = false): Run {
  const stdio: StdioOptions = ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe']
  const child = spawn(process.execPath, [CLI, '--data', data, ...args], { stdio })
  children.push(child)
  const { stdout, stderr } = child
  if (stdout == null || stderr == null) throw new Error('the child has no pipes')
  const lines = createInterface({ input: stdout })
  const seen: string[] = []
  const waiting: Array<() => void> = []
  let ended = false
  let next = 0
  const wake = (): void => waiting.splice(0).forEach((resolve) => resolve())
  lines.on('line', (text) => {
    seen.push(text)
    wake()
  })
  lines.on('close', () => {
    ended = true
    wake()
  })
  let errors = ''
  stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  return {
    child,
    line: async () => {
      while (next >= seen.length && !ended) await new Promise<void>((resolve) => waiting.push(resolve))
      return seen[next++]
    },
    // Not 'close': Node leaves that out where the parent has disconnected.
    end: Promise.all([once(child, 'exit'), once(lines, 'close'), once(stderr, 'end')]).then(([[code]]) => {
      return { code: code as number | null, stdout: seen, stderr: errors }
    })
  }
}

async function createPeer(): Promise<Libp2p> {
  return createLibp2p({
    ...swarmDefaults(),
    transports: [webRTCDirect({ rtcConfiguration: NO_ICE_SERVERS })]
  })
}

function event(line: string | undefined): Record<string, unknown> {
  return JSON.parse(line ?? 'null') as Record<string, unknown>
}

describe('shard-relay', () => {
  it('says in one JSON line that it is ready', async () => {
    const ready = event(await run([...LOCAL, '--json']).line())
    expect(ready).toMatchObject({ event: 'ready', peer: expect.stringMatching(/^12D3Koo/) as string })
    const addresses = ready.addresses as string[]
    expect(addresses).toHaveLength(3)
    for (const part of ['/ws/', '/webrtc-direct/certhash/'])
      expect(addresses.filter((address) => address.includes(part))).toHaveLength(1)
    expect(addresses.every((address) => address.endsWith(`/p2p/${ready.peer as string}`))).toBe(true)
  })

  it.each(process.platform === 'win32' ? [] : (['SIGTERM', 'SIGINT'] as const))('ends with 0 on %s', async (signal) => {
    const relay = run([...LOCAL, '--json'])
    await relay.line()
    relay.child.kill(signal)
    expect(event(await relay.line())).toEqual({ event: 'stopped', reason: signal })
    expect(await relay.end).toMatchObject({ code: 0, stderr: '' })
  })

  it('ends with 0 while peers are dialling it', async () => {
    const relay = run([...LOCAL, '--json'])
    const { addresses } = event(await relay.line()) as { addresses: string[] }
    const address = multiaddr(addresses.find((text) => text.includes('/webrtc-direct/')))
    const peers = await Promise.all(Array.from({ length: 3 }, () => createPeer()))
    const gone = new AbortController()
    let dials = 0
    const dialling = peers.map(async (peer) => {
      while (!gone.signal.aborted) {
        await peer.dial(address, gone).then(
          async (connection) => {
            dials++
            await connection.close()
          },
          () => undefined
        )
      }
    })
    await vi.waitFor(() => expect(dials).toBeGreaterThan(20), { timeout: 20_000 })
    relay.child.kill('SIGTERM')
    expect((await relay.end).code).toBe(0)
    gone.abort()
    await Promise.all([...dialling, ...peers.map(async (peer) => peer.stop())])
  })

  it('ends with 0 when the process that started it lets go of it', async () => {
    const relay = run([...LOCAL, '--json'], true)
    await relay.line()
    relay.child.disconnect()
    expect(event(await relay.line())).toEqual({ event: 'stopped', reason: 'disconnect' })
    expect((await relay.end).code).toBe(0)
  })

  it('tells a person where it is, in plain lines', async () => {
    const relay = run(LOCAL)
    expect(await relay.line()).toMatch(/^Relay 12D3Koo\w+ is up/)
    expect(await relay.line()).toMatch(/^ {4}\/ip4\/127\.0\.0\.1\//)
  })

  it('is the same relay after a restart', async () => {
    const before = run([...LOCAL, '--json'])
    const { peer } = event(await before.line())
    before.child.kill('SIGTERM')
    await before.end
    expect(event(await run([...LOCAL, '--json']).line()).peer).toBe(peer)
  })

  it('says what to do when the port is taken, and ends with 1', async () => {
    const first = run([...LOCAL, '--json'])
    const { addresses } = event(await first.line()) as { addresses: string[] }
    const port = addresses.find((address) => address.includes('/ws/'))?.split('/')[4]
    const { code, stdout, stderr } = await run(['--host', '127.0.0.1', '--port', String(port)]).end
    expect(code).toBe(1)
    expect(stdout).toEqual([])
    expect(stderr).toBe(
      `TCP port ${port} on 127.0.0.1 is taken: stop the program that has it (another relay?), or choose another port with --port.\n`
    )
  })

  it.each([
    [['--listen', '/ip4/foo'], 'is not a multiaddr'],
    [['--port', 'ws'], 'must be a whole number'],
    [['--frobnicate'], 'unknown option']
  ])('refuses %j with a sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await run(args).end
    expect(code).toBe(1)
    expect(stdout).toEqual([])
    expect(stderr).toContain(sentence)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it('refuses a broken key, in JSON too', async () => {
    await writeFile(join(data, 'peer.key'), 'not a key')
    const { code, stdout, stderr } = await run([...LOCAL, '--json']).end
    expect(code).toBe(1)
    expect(event(stdout[0])).toMatchObject({ event: 'error', code: 'BAD_IDENTITY' })
    expect(stderr).toContain('restore it from a backup')
  })
})
