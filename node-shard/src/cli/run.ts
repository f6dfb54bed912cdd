import { Consumer } from '@shard/protocol/consume'
import { encodeManifest } from '@shard/protocol/model'
import { Command } from 'commander'
import { CID } from 'multiformats/cid'
import { embeddedFiles } from '../store/index.ts'
import { startPeer } from '../swarm/index.ts'
import { Cleanup } from '../cleanup.ts'
import { createLog, emit, exit, fail, INTERRUPTED, note, stopSignal } from './io.ts'
import { decimal, logOption, relayOption, whole } from './options.ts'
import type { AnswerEvent, AnswerFigures, Question } from '@shard/protocol/consume'
import type { RelayAddresses } from '@shard/protocol/swarm'

interface RunOptions {
  system?: string
  temperature?: number
  seed?: number
  maxTokens?: number
  ownScouts?: true
  relay: RelayAddresses[]
  json?: true
  logLevel: string
}

export function runCommand(): Command {
  return new Command('run')
    .description('Ask the swarm and print the answer.')
    .argument('<words...>', "[model] prompt: a manifest's CID, or nothing for the embedded model, and what to ask")
    .usage('[options] [model] <prompt>')
    .option('--system <text>', 'how the model should behave')
    .option('--temperature <number>', '0: always the likeliest token', decimal)
    .option('--seed <number>', 'the same seed gives the same answer', whole(0))
    .option('--max-tokens <number>', 'longest answer', whole(1))
    .option('--own-scouts', 'no Scouts of others may see this')
    .addOption(relayOption())
    .option('--json', 'print events as JSON, one a line')
    .addOption(logOption())
    .action(run)
}

async function run(words: string[], options: RunOptions): Promise<void> {
  const signal = stopSignal()
  createLog(options.logLevel)
  try {
    await ask(words, options, signal)
  } catch (error) {
    return signal.aborted ? exit(INTERRUPTED) : fail(error, options.json === true)
  }
  exit(0)
}

async function ask(words: string[], options: RunOptions, signal: AbortSignal): Promise<void> {
  const question = await toQuestion(words, options)
  if (options.relay.length === 0) {
    throw new Error('There is no way into the swarm: give the address of a relay with --relay.')
  }
  await using undo = new Cleanup()
  const peer = await startPeer(options.relay)
  undo.defer(async () => peer.stop())
  await peer.relays.connected({ timeout: 30_000, signal })
  const { generate, announce } = peer.libp2p.services
  const consumer = new Consumer({
    generate,
    directory: announce,
    connections: (id) => peer.libp2p.getConnections(id)
  })
  const show = options.json === true ? emitEvent : printer()
  for await (const event of consumer.ask(question, { signal })) {
    show(event)
  }
}

async function toQuestion(words: string[], options: RunOptions): Promise<Question> {
  const [first, second, ...rest] = words
  if (first == null || rest.length > 0) {
    throw new Error('Put the prompt in quotes: shard run [model] "<prompt>".')
  }
  const prompt = second ?? first
  return {
    model: second == null ? (await encodeManifest((await embeddedFiles()).manifest)).cid : parseModel(first),
    messages: [
      ...(options.system == null ? [] : [{ role: 'system' as const, content: options.system }]),
      { role: 'user', content: prompt }
    ],
    sampling: { temperature: options.temperature, seed: options.seed },
    maxTokens: options.maxTokens,
    draftPolicy: options.ownScouts === true ? 'own' : 'anyone'
  }
}

function parseModel(text: string): CID {
  try {
    return CID.parse(text)
  } catch {
    throw new Error(`"${text}" is not the CID of a model's manifest. Put the prompt in quotes if it is a part of it.`)
  }
}

/** Tokens to stdout as they come; what is going on, and the figures, to stderr. */
function printer(): (event: AnswerEvent) => void {
  let shard = ''
  let path = ''
  /** Of the last Shard, as the time that it tells is. */
  let tokens = 0
  return (event) => {
    if (event.type === 'searching') {
      note('Looking for a Shard ...')
    } else if (event.type === 'shard') {
      shard = event.peer.toString()
      path = event.path
      tokens = 0
    } else if (event.type === 'queued') {
      note(`Waiting; ${event.ahead} before this one.`)
    } else if (event.type === 'moved') {
      note(`\n${event.cause.message} Looking for another Shard ...`)
    } else if (event.type === 'commit') {
      process.stdout.write(event.text)
      tokens += event.tokens.length
    } else if (event.type === 'done') {
      process.stdout.write(`${event.text}\n`)
      note(figureLine(event.figures, tokens, shard, path))
    }
  }
}

function figureLine(figures: AnswerFigures, tokens: number, shard: string, path: string): string {
  const speed = figures.decodeMs > 0 ? Math.round((tokens * 1000) / figures.decodeMs) : 0
  const drafts = `${figures.acceptedTokens} of ${figures.draftedTokens} drafted tokens accepted`
  return `[${figures.completionTokens} tokens, ${speed} tokens/s, ${drafts}, Shard ${shard}, ${path}]`
}

function emitEvent(event: AnswerEvent): void {
  const { type, ...rest } = event
  emit({
    event: type,
    ...Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [
        name,
        value instanceof Error ? value.message : name === 'peer' || name === 'from' ? String(value) : value
      ])
    )
  })
}
