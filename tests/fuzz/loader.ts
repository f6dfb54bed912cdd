import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('load-child.ts', import.meta.url))
const LOAD_TIMEOUT = 60_000

export type LoadEnd = 'loaded' | 'refused' | 'died' | 'hung'

/** llama.cpp in a process of its own, which is replaced when it dies. */
export class Loader {
  #child: ChildProcess | undefined
  /** What llama.cpp said of the last file that it refused. */
  reason = ''

  async load(path: string): Promise<LoadEnd> {
    const child = (this.#child ??= await start())
    const answer = Promise.withResolvers<LoadEnd>()
    const onMessage = (message: { loaded: boolean; reason?: string }): void => {
      this.reason = message.reason ?? ''
      answer.resolve(message.loaded ? 'loaded' : 'refused')
    }
    const onExit = (code: number | null, signal: string | null): void => {
      this.#child = undefined
      this.reason = `exit ${code ?? signal ?? ''}`
      answer.resolve('died')
    }
    const timer = setTimeout(() => answer.resolve('hung'), LOAD_TIMEOUT)
    child.on('message', onMessage).on('exit', onExit)
    child.send(path)
    const end = await answer.promise
    clearTimeout(timer)
    child.off('message', onMessage).off('exit', onExit)
    if (end === 'hung') {
      await this.stop()
    }
    return end
  }

  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
}

async function start(): Promise<ChildProcess> {
  const child = fork(CHILD, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  await once(child, 'message')
  return child
}
