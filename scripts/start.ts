// `npm start`: one relay, one Shard with the embedded model and the web app, each in a process of its own.
// `npm start -- --ask "..."` asks through them as a Consumer of its own and stops. prestart.mjs built all of it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Problem } from './lib/fresh.mjs'
import { checkMemory, checkModels, choosePort, chooseRelayPort } from './lib/preflight.ts'
import { ROOT } from './lib/root.ts'
import { parseStartOptions, START_HELP, type StartOptions } from './lib/start-options.ts'
import { runSwarm, type ShardReady, type SwarmCommands } from './lib/swarm.ts'

/** A loaded 2-core machine needs a few seconds for the relay, and the Shard measures its own speed before it serves. */
const RELAY_TIMEOUT = 30_000
const SHARD_TIMEOUT = 90_000

/** What happens goes to stderr, so that stdout holds the answer alone where there is a question. */
const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

async function main(args: string[]): Promise<number> {
  const options = parseStartOptions(args)
  if (options.help) {
    process.stdout.write(START_HELP)
    return 0
  }
  checkMemory(process.availableMemory())
  await checkModels(join(ROOT, 'models'))
  const port = await choosePort(options.port, options.ask != null && !options.portChosen)
  const relayPort = await chooseRelayPort()

  // A question is asked by peers of its own, beside a swarm that may be running already: they leave nothing behind.
  const passing = options.ask != null && options.data == null ? await mkdtemp(join(tmpdir(), 'shard-ask-')) : undefined
  try {
    return await runSwarm({
      commands: commands({ ...options, port, data: options.data ?? passing }, relayPort),
      cwd: ROOT,
      question: options.ask,
      say,
      onReady: (_relay, shard) => (options.ask == null ? greet(shard) : undefined),
      signal: stopSignal()
    })
  } finally {
    if (passing != null) await rm(passing, { recursive: true, force: true })
  }
}

function commands(options: StartOptions, relayPort: number): SwarmCommands {
  const shardCli = join('node-shard', 'dist', 'cli', 'index.js')
  const data = (name: string): string[] => (options.data == null ? [] : ['--data', join(resolve(options.data), name)])
  return {
    relay: {
      name: 'The relay',
      // Loopback: whoever tries Shard out has not asked to serve the network. README says how to run a public relay.
      args: [
        ...[join('relay', 'dist', 'cli.js'), '--json', '--host', '127.0.0.1', '--port', String(relayPort)],
        ...data('relay')
      ],
      readyTimeout: RELAY_TIMEOUT
    },
    shard: (relay) => ({
      name: 'The Shard',
      args: [
        ...[shardCli, 'serve', '--json', '--relay', relay, '--host', '127.0.0.1'],
        ...['--app', 'build', '--port', String(options.port)],
        ...data('shard')
      ],
      readyTimeout: SHARD_TIMEOUT
    }),
    consumer: (relay, question) => [shardCli, 'run', '--relay', relay, '--', question]
  }
}

function greet(shard: ShardReady): void {
  const body = JSON.stringify({
    model: shard.model,
    messages: [{ role: 'user', content: 'What is the capital of France?' }]
  })
  process.stdout.write(`
A relay, a Shard that serves ${shard.model} (peer ${shard.peer}) and the web app are running.

  Open     ${shard.app}
  API      curl ${shard.api}/chat/completions -H 'Content-Type: application/json' -d '${body}'

Ctrl-C stops all of it.
`)
}

/**
 * Aborts on Ctrl-C and SIGTERM, and when the npm that started this is gone. npm passes Ctrl-C on although the terminal
 * has sent it too, so a second signal means nothing more than the first; peers that do not stop are killed anyway.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!controller.signal.aborted && process.stderr.isTTY) say('\nStopping ...')
      controller.abort()
    })
  }
  if (process.env.npm_lifecycle_event != null && process.platform !== 'win32') {
    const parent = process.ppid
    setInterval(() => {
      if (process.ppid !== parent) controller.abort()
    }, 1_000).unref()
  }
  return controller.signal
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  say(error instanceof Problem ? error.message : String(error instanceof Error ? error.stack : error))
  process.exitCode = 1
}
