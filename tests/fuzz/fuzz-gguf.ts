import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkGgufHeader } from '@shard/protocol/model'
import { Loader } from './loader.ts'
import { mutate, randomNumbers } from './mutate.ts'
import { tinyGguf } from './tiny-gguf.ts'

export interface FuzzInit {
  /** Files to make. */
  count: number
  seed: number
  /** One of so many accepted files is loaded by llama.cpp. */
  sample: number
  /** Where files that broke something are kept. */
  keep?: string
  onProgress?: (result: FuzzResult) => void
}

export interface FuzzResult {
  files: number
  accepted: number
  /** Accepted files that llama.cpp was given, and what came of it. */
  loaded: number
  refused: number
  /** Each with the number of the file: the same seed makes it again. */
  failures: string[]
  /** The longest check, in ms. */
  slowest: number
}

/** Ms after which a check of a file of 60 kB counts as a hang: it takes less than 1. */
const SLOW = 10_000

/** Checks mutated files, and lets llama.cpp load a sample of those that the check accepted. */
export async function fuzzGguf({ count, seed, sample, keep, onProgress }: FuzzInit): Promise<FuzzResult> {
  const base = tinyGguf()
  const random = randomNumbers(seed)
  const loader = new Loader()
  const folder = await mkdtemp(join(tmpdir(), 'shard-fuzz-'))
  const path = join(folder, 'mutated.gguf')
  const result: FuzzResult = { files: 0, accepted: 0, loaded: 0, refused: 0, failures: [], slowest: 0 }
  const fail = async (what: string, file: Uint8Array): Promise<void> => {
    result.failures.push(`file ${result.files} of seed ${seed}: ${what}`)
    if (keep != null) {
      await mkdir(keep, { recursive: true })
      await writeFile(join(keep, `${seed}-${result.files}.gguf`), file)
    }
  }
  try {
    await checkGgufHeader(base.bytes)
    await writeFile(path, base.bytes)
    if ((await loader.load(path)) !== 'loaded') {
      throw new Error(`llama.cpp does not load the file that is mutated: ${loader.reason}`)
    }
    for (; result.files < count; result.files++) {
      const file = mutate(base, random)
      const before = performance.now()
      const refusal = await checkGgufHeader(file).then(
        () => undefined,
        (error: unknown) => error
      )
      const took = performance.now() - before
      result.slowest = Math.max(result.slowest, took)
      if (took > SLOW) {
        await fail(`the check took ${Math.round(took)} ms`, file)
      }
      if (refusal != null) {
        if (!(refusal instanceof Error && refusal.name === 'ShardError')) {
          await fail(`the check failed with ${refusal instanceof Error ? refusal.message : typeof refusal}`, file)
        }
        continue
      }
      if (result.accepted++ % sample === 0) {
        await writeFile(path, file)
        const end = await loader.load(path)
        if (end === 'loaded' || end === 'refused') {
          result[end]++
        } else {
          await fail(`llama.cpp ${end} (${loader.reason})`, file)
        }
      }
      if (result.files % 1_000 === 0) {
        onProgress?.(result)
      }
    }
    return result
  } finally {
    await loader.stop()
    await rm(folder, { recursive: true })
  }
}
