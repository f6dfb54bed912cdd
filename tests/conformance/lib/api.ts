import { SwarmProcesses } from '../../swarm/lib/processes.ts'

/** A Shard with the embedded model, and the API on a machine without one; each a process of its own. */
export interface Apis {
  /** Base URL of the Shard's own API, `http://127.0.0.1:port/v1`. */
  serve: string
  /** That of `shard connect`. */
  connect: string
  /** Multiaddr of the relay. */
  relay: string
  /** PeerId of the Shard. */
  peer: string
  stop: () => Promise<void>
}

export const MODEL = 'shard-tiny'

export const KEY = 'conformance-key'

export async function startApis(): Promise<Apis> {
  const swarm = await SwarmProcesses.start()
  try {
    const options = ['--api-key', KEY]
    const shard = await swarm.shard('a', options)
    const connect = await swarm.connect(options)
    await listed(connect.api)
    return {
      serve: shard.api,
      connect: connect.api,
      peer: shard.peer,
      relay: swarm.relay,
      stop: async () => swarm.stop()
    }
  } catch (error) {
    await swarm.stop()
    throw error
  }
}

/** Waits until the Shard's announcement is there. */
async function listed(api: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const response = await fetch(`${api}/models`, { headers: { authorization: `Bearer ${KEY}` } })
    const { data } = (await response.json()) as { data: unknown[] }
    if (data.length > 0) {
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`No model is listed at ${api}.`)
}

/** The value of a line of `/metrics`, e.g. `shard_api_answers{state="running"}`. */
export async function metric(api: string, name: string): Promise<number> {
  const response = await fetch(api.replace(/v1$/, 'metrics'), { headers: { authorization: `Bearer ${KEY}` } })
  const line = (await response.text()).split('\n').find((text) => text.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1) ?? NaN)
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) {
    items.push(item)
  }
  return items
}
