import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import type { Llama } from 'node-llama-cpp'
import type { Logger } from 'pino'

export interface BackendInit {
  /** `auto`: a GPU if there is one; `off`: the CPU. */
  gpu?: 'auto' | 'off'
  log: Logger
}

/**
 * llama.cpp with the best device of this machine. Nothing is compiled or downloaded: the builds come with the package.
 *
 * @throws Error with a sentence, where no build fits this machine
 */
export async function loadBackend({ gpu = 'auto', log }: BackendInit): Promise<Llama> {
  return await getLlama({
    gpu: gpu === 'off' ? false : 'auto',
    build: 'never',
    progressLogs: false,
    logLevel: LlamaLogLevel.warn,
    logger: (level, message) => {
      log.debug({ llama: level }, message.trim())
    },
    // contexts say themselves how many threads they take, see calibrateThreads
    maxThreads: 0
  })
}
