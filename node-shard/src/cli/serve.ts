import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { ModelLibrary } from '../models/index.ts'
import { serve } from '../shard/serve.ts'
import { aborted, createLog, emit, exit, fail, print, stopSignal } from './io.ts'
import { findModel, positive } from './models.ts'
import { dataFolder, gpuOption, ipAddress, listenOn, logOption, relayOption, whole } from './options.ts'
import type { RelayAddresses } from '@shard/protocol/swarm'
import type { ServeInit, ServingShard } from '../shard/serve.ts'

interface ServeOptions {
  draft?: string
  name?: string
  relay: RelayAddresses[]
  host: string
  listen?: string[]
  port: number
  api: boolean
  apiKey?: string
  app?: string
  data: string
  slots?: number
  context?: number
  threads?: number
  uploadLimit?: number
  gpu: 'auto' | 'off'
  json?: true
  logLevel: string
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('Serve a model: verify drafts, commit answers, and offer the swarm as an OpenAI API on this machine.')
    .argument(
      '[model]',
      'a GGUF file, or the CID or name of a model that was pulled or imported; the embedded one if left out'
    )
    .option('--draft <file>', 'a GGUF with the same tokenizer, which Scouts fetch to draft with')
    .option('--name <name>', 'what the model is called')
    .addOption(relayOption())
    .option('--host <address>', 'IP address that other peers reach this Shard at', ipAddress, '0.0.0.0')
    .option('--listen <multiaddr...>', 'listen on these instead of --host')
    .option('--port <number>', 'of the API and the app, on 127.0.0.1; 0: a free one', whole(0, 65_535), 9091)
    .option('--no-api', 'serve other peers only')
    .option('--api-key <key>', 'what programs have to send as their API key')
    .option('--app <folder>', 'the built web app, to serve it too')
    .option('--data <folder>', 'keys, records and the index of models', dataFolder('shard'))
    .option('--slots <number>', 'generations at once', whole(1))
    .option('--context <tokens>', 'tokens of a prompt and its answer', whole(64))
    .option('--threads <number>', 'CPU threads; measured if left out', whole(1))
    .option('--upload-limit <MB/s>', 'what other peers may load of the model, all together', positive)
    .addOption(gpuOption())
    .option('--json', 'print events as JSON, one a line')
    .addOption(logOption())
    .action(run)
}

async function run(model: string | undefined, options: ServeOptions): Promise<void> {
  const signal = stopSignal()
  const log = createLog(options.logLevel)
  // one stranger's broken stream, whose error nobody awaited, must not end everybody's answers
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected error'))
  let shard: ServingShard
  try {
    shard = await serve({
      log,
      data: options.data,
      ...(await chosenModel(model, options)),
      relays: options.relay,
      listen: options.listen ?? listenOn(options.host),
      gpu: options.gpu,
      slots: options.slots,
      contextLength: options.context,
      threads: options.threads,
      uploadLimit: options.uploadLimit == null ? undefined : options.uploadLimit * 1e6,
      http: options.api ? { port: options.port, appDir: options.app, apiKey: options.apiKey } : undefined,
      signal
    })
  } catch (error) {
    return signal.aborted ? exit(0) : fail(error, options.json === true)
  }
  if (options.json === true) {
    const { peer, manifest, device, url } = shard
    const web = url == null ? {} : { api: `${url}/v1`, ...(options.app == null ? {} : { app: url }) }
    emit({ event: 'ready', peer, model: shard.model, manifest, device, addresses: shard.addresses(), ...web })
  } else {
    greet(shard, options)
  }
  await aborted(signal)
  await shard.stop()
  exit(0)
}

/** A path is one's own file; anything else names a model of this machine. */
async function chosenModel(
  model: string | undefined,
  { data, draft, name }: ServeOptions
): Promise<Pick<ServeInit, 'files' | 'model'>> {
  if (model == null) {
    return {}
  }
  if (/\.gguf$|[\\/]/i.test(model) || existsSync(model)) {
    return { files: { target: model, draft, name } }
  }
  const library = new ModelLibrary(data)
  const found = await findModel(library, model)
  if (found.used === 0) {
    return {}
  }
  await library.touch(found.cid)
  return { model: found }
}

function greet(shard: ServingShard, { relay, app }: ServeOptions): void {
  print(`Serving ${shard.model} on ${shard.device} as ${shard.peer}`)
  if (shard.url != null) {
    print(...(app == null ? [] : [`  App  ${shard.url}`]), `  API  ${shard.url}/v1`)
  }
  print(
    ...shard.addresses().map((address) => `  at   ${address}`),
    ...(relay.length === 0
      ? ['No --relay was given: only peers that know one of these addresses find this Shard.']
      : []),
    'Ctrl-C stops it.'
  )
}
