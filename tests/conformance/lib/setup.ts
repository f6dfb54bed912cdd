import { startApis, type Apis } from './api.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    apis: Omit<Apis, 'stop'>
  }
}

let apis: Apis | undefined

/** One swarm for all files: what is tested is the API, not its start. */
export async function setup(project: TestProject): Promise<void> {
  apis = await startApis()
  const { serve, connect, peer, relay } = apis
  project.provide('apis', { serve, connect, peer, relay })
}

export async function teardown(): Promise<void> {
  await apis?.stop()
}
