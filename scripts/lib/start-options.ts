import { parseArgs } from 'node:util'
import { Problem } from './fresh.mjs'

/** Where the app and the API are served unless --port says otherwise. */
const DEFAULT_PORT = 9091

export const START_HELP = `npm start -- [options]

Starts a relay, a Shard with the embedded model and the web app on this machine. Ctrl-C stops all of it.

  --port N        serve the app and the API on http://127.0.0.1:N (${DEFAULT_PORT})
  --data FOLDER   keep keys, peers and models there instead of in your platform's data folder
  --ask QUESTION  ask through the swarm as a peer of its own, print the answer, stop
  --help          show this
`

export interface StartOptions {
  port: number
  /** True where the port was asked for, so that no other one will do. */
  portChosen: boolean
  data?: string
  ask?: string
  help: boolean
}

/** Throws a {@link Problem} that names the first argument that makes no sense. */
export function parseStartOptions(args: string[]): StartOptions {
  const { values } = parse(args)
  return {
    port: values.port == null ? DEFAULT_PORT : parsePort(values.port),
    portChosen: values.port != null,
    data: values.data == null ? undefined : notEmpty('--data', values.data),
    ask: values.ask == null ? undefined : notEmpty('--ask', values.ask),
    help: values.help ?? false
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        ask: { type: 'string' },
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Problem(`${reason}\n\n${START_HELP}`)
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new Problem(`--port takes a number from 1 to 65535, not "${text}". For example: npm start -- --port 9092`)
}

function notEmpty(option: string, text: string): string {
  if (text.trim() !== '') return text
  throw new Problem(`${option} needs a value. "npm start -- --help" shows an example of each option.`)
}
