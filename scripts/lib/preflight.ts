import { open, readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Problem } from './fresh.mjs'

/** Target, draft, their contexts and three Node processes fit into this with room to spare, in bytes. */
export const LEAST_MEMORY = 1024 ** 3

/** Where `npm start` puts its relay, unless that is taken: tabs that stay open find it again after a restart. */
const RELAY_PORT = 9092

/** Throws a {@link Problem} where less memory is free than the relay and the Shard need together. */
export function checkMemory(available: number): void {
  if (available >= LEAST_MEMORY) return
  const free = Math.floor(available / 1024 ** 2)
  throw new Problem(`A Shard needs 1 GiB of free memory, and ${free} MiB are free. Close other programs and try again.`)
}

/** Throws a {@link Problem} unless `folder` holds model files and each of them is one. */
export async function checkModels(folder: string): Promise<void> {
  const models = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.gguf')).sort()
  if (models.length === 0) {
    throw new Problem(`There is no model (*.gguf) in ${folder}. Restore it with "git checkout -- models".`)
  }
  for (const name of models) {
    const head = await firstBytes(join(folder, name), 64)
    if (head.startsWith('GGUF')) continue
    throw new Problem(
      head.startsWith('version https://git-lfs')
        ? `models/${name} is a Git LFS pointer and not the model itself. Run "git lfs install && git lfs pull", then "npm start" again.`
        : `models/${name} is not a GGUF file. Restore it with "git checkout -- models/${name}".`
    )
  }
}

async function firstBytes(file: string, count: number): Promise<string> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/**
 * The port to serve on: `port` where it is free, otherwise any free one if `other` allows that. Throws a
 * {@link Problem} that names the port and the way out.
 */
export async function choosePort(port: number, other: boolean): Promise<number> {
  const reason = await tryPort(port)
  if (reason == null) return port
  if (other) return freePort()
  if (reason === 'EACCES') {
    throw new Problem(`Port ${port} may only be used by the system. Choose one above 1023: npm start -- --port 9091`)
  }
  throw new Problem(
    `Port ${port} is taken by another program (a second "npm start"?). Choose another one: npm start -- --port ${await freePort()}`
  )
}

/** The relay's port: the usual one if it and the next, which the relay takes for plain TCP, are free; 0 for any. */
export async function chooseRelayPort(): Promise<number> {
  const taken = await Promise.all([tryPort(RELAY_PORT), tryPort(RELAY_PORT + 1)])
  return taken.every((reason) => reason == null) ? RELAY_PORT : 0
}

/** @returns the code of the reason why the port cannot be had on the loopback interface, or undefined if it can */
async function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? 'unknown')
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === 'object' && address != null) resolve(address.port)
        else reject(new Problem('This machine has no free port.'))
      })
    })
  })
}
