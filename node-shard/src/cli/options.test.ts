import { Command, CommanderError } from 'commander'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { decimal, gpuOption, ipAddress, listenOn, logOption, relayOption, whole } from './options.ts'
import { runCommand } from './run.ts'
import { scoutCommand } from './scout.ts'
import { serveCommand } from './serve.ts'
import type { RelayAddresses } from '@shard/protocol/swarm'

const RELAY = '12D3KooWKRyzVWW6ChFjQjK4miCty85Niy48tpPV95XdKu1BcvMA'
const OTHER = '12D3KooWLRPJfn92xAXTuU6kBsbyrSb4iCJdc6R6VcF77Mh9FGwr'

/** What a command with these options makes of its arguments, or what it says of them. */
function parse(prepare: (command: Command) => Command, ...args: string[]): Record<string, unknown> | string {
  const said: string[] = []
  const command = prepare(new Command('test'))
    .exitOverride()
    .configureOutput({ writeErr: (text) => said.push(text) })
  try {
    command.parse(args, { from: 'user' })
    return command.opts()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return said.join('')
  }
}

const withOption = (parser: (text: string) => unknown) => (command: Command) =>
  command.option('--it <value>', 'x', parser)

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('whole', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    ['9091', 9_091]
  ])('takes %j', (text, value) => {
    expect(parse(withOption(whole(0)), '--it', text)).toEqual({ it: value })
  })

  it.each(['', ' ', '-1', '1.5', 'x', '1e3', '0x10', 'NaN', 'Infinity', '99999999999999999999', '1 2'])(
    'says what is wrong with %j',
    (text) => {
      expect(parse(withOption(whole(0)), `--it=${text}`)).toContain('It must be a whole number from 0.')
    }
  )

  it('has a least value, and a largest one where there is one', () => {
    expect(parse(withOption(whole(1)), '--it', '0')).toContain('It must be a whole number from 1.')
    expect(parse(withOption(whole(0, 65_535)), '--it', '65535')).toEqual({ it: 65_535 })
    expect(parse(withOption(whole(0, 65_535)), '--it', '65536')).toContain('It must be a whole number from 0 to 65535.')
  })
})

describe('decimal', () => {
  it.each([
    ['0', 0],
    ['0.8', 0.8],
    ['2', 2]
  ])('takes %j', (text, value) => {
    expect(parse(withOption(decimal), '--it', text)).toEqual({ it: value })
  })

  it.each(['', ' ', '-0.1', 'x', 'NaN', 'Infinity', '0,8'])('says what is wrong with %j', (text) => {
    expect(parse(withOption(decimal), `--it=${text}`)).toContain('It must be a number from 0.')
  })
})

describe('ipAddress and listenOn', () => {
  it('take addresses of both families', () => {
    expect(parse(withOption(ipAddress), '--it', '127.0.0.1')).toEqual({ it: '127.0.0.1' })
    expect(listenOn('0.0.0.0')).toEqual([
      '/ip4/0.0.0.0/tcp/0',
      '/ip4/0.0.0.0/tcp/0/ws',
      '/ip4/0.0.0.0/udp/0/webrtc-direct'
    ])
    expect(listenOn('::1')[0]).toBe('/ip6/::1/tcp/0')
  })

  it.each(['localhost', '', '127.0.0.1:80', '256.0.0.1'])('say what is wrong with %j', (text) => {
    expect(parse(withOption(ipAddress), `--it=${text}`)).toContain('It must be an IP address of this machine')
  })
})

describe('--relay', () => {
  const relay = (command: Command): Command => command.addOption(relayOption())
  const ids = (parsed: ReturnType<typeof parse>): Array<[string, number]> =>
    typeof parsed === 'string'
      ? []
      : (parsed.relay as RelayAddresses[]).map(({ id, addresses }) => [id, addresses.length])

  it('may be left out, and given several times; addresses of one relay belong together', () => {
    expect(parse(relay)).toEqual({ relay: [] })
    const addresses = [
      `/ip4/127.0.0.1/tcp/1/p2p/${RELAY}`,
      `/ip4/127.0.0.1/tcp/2/p2p/${OTHER}`,
      `/ip4/127.0.0.1/tcp/3/ws/p2p/${RELAY}`
    ]
    const parsed = parse(relay, ...addresses.flatMap((address) => ['--relay', address]))
    expect(ids(parsed).sort()).toEqual(
      [
        [RELAY, 2],
        [OTHER, 1]
      ].sort()
    )
    expect(parse(relay)).toEqual({ relay: [] })
  })

  it('may come from the environment, several in one; the command line wins', () => {
    vi.stubEnv('SHARD_RELAYS', `/ip4/127.0.0.1/tcp/1/p2p/${RELAY}, /ip4/127.0.0.1/tcp/2/p2p/${OTHER}`)
    expect(ids(parse(relay))).toHaveLength(2)
    expect(ids(parse(relay, '--relay', `/ip4/127.0.0.1/tcp/9/p2p/${OTHER}`))).toEqual([[OTHER, 1]])
  })

  it.each(['nonsense', '/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1/p2p/nobody', 'http://example.com'])(
    'says what is wrong with %j',
    (address) => {
      const said = parse(relay, '--relay', address)
      expect(said).toContain(address)
      expect(said).toMatch(/^error: .+\.\n/)
    }
  )
})

describe('choices', () => {
  it('say what there is to choose from', () => {
    expect(parse((command) => command.addOption(gpuOption()), '--gpu', 'cuda')).toContain(
      'Allowed choices are auto, off.'
    )
    expect(parse((command) => command.addOption(logOption()), '--log-level', 'all')).toContain(
      'Allowed choices are fatal'
    )
    expect(parse((command) => command.addOption(gpuOption()).addOption(logOption()))).toEqual({
      gpu: 'auto',
      logLevel: 'warn'
    })
  })
})

describe('the commands', () => {
  it.each<[string, () => Command, string[], string]>([
    ['serve', serveCommand, ['--port', '70000'], 'It must be a whole number from 0 to 65535.'],
    ['serve', serveCommand, ['--slots', '0'], 'It must be a whole number from 1.'],
    ['serve', serveCommand, ['--host', 'localhost'], 'It must be an IP address'],
    ['serve', serveCommand, ['a.gguf', 'b.gguf'], 'too many arguments'],
    ['serve', serveCommand, ['--nonsense'], 'unknown option'],
    ['scout', scoutCommand, ['--threads', 'many'], 'It must be a whole number from 1.'],
    ['scout', scoutCommand, ['--draft'], 'argument missing'],
    ['run', runCommand, [], 'missing required argument'],
    ['run', runCommand, ['--temperature', 'hot', 'Hello'], 'It must be a number from 0.'],
    ['run', runCommand, ['--relay', 'x', 'Hello'], 'x']
  ])('%s says what is wrong, and does nothing', (_, make, args, sentence) => {
    const action = vi.fn()
    expect(parse(() => make().action(action), ...args)).toContain(sentence)
    expect(action).not.toHaveBeenCalled()
  })

  it('take what they are made for', () => {
    const action = vi.fn()
    expect(
      parse(
        () => serveCommand().action(action),
        'a.gguf',
        '--slots',
        '2',
        '--no-api',
        '--listen',
        '/ip4/127.0.0.1/tcp/0'
      )
    ).toMatchObject({
      slots: 2,
      api: false,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      host: '0.0.0.0',
      port: 9_091,
      gpu: 'auto'
    })
    expect(parse(() => runCommand().action(action), '--json', '--seed', '7', 'Hello')).toMatchObject({
      json: true,
      seed: 7
    })
    expect(action).toHaveBeenCalledTimes(2)
  })
})
