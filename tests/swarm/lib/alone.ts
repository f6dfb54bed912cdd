import { pino } from 'pino'
import { resolveSampling, sample, TokenHistory, type Sampling } from '@shard/protocol/sampling'
import { loadBackend, Target } from '../../../node-shard/dist/engine/index.js'
import { embeddedFiles } from '../../../node-shard/dist/store/index.js'

/** What the embedded target says all by itself: one token a batch, no drafts, no Shard, no swarm. */
export class TargetAlone {
  readonly #target: Target
  readonly #free: () => Promise<void>

  private constructor(target: Target, free: () => Promise<void>) {
    this.#target = target
    this.#free = free
  }

  static async load(): Promise<TargetAlone> {
    const log = pino({ level: 'silent' })
    const llama = await loadBackend({ gpu: 'off', log })
    const { targetPath } = await embeddedFiles()
    const target = await Target.load({ llama, path: targetPath, log, slots: 1, threads: 1 })
    return new TargetAlone(target, async () => {
      await target.dispose()
      await llama.dispose()
    })
  }

  /** The answer's tokens, the one that ends the turn included. */
  async answer(question: string, parameters: Partial<Sampling>, maxTokens: number): Promise<number[]> {
    const [sequence] = this.#target.sequences
    if (sequence == null) throw new Error('The target has no sequence.')
    const sampling = resolveSampling(parameters)
    const prompt = this.#target.prompts.chat([{ role: 'user', content: question }])
    const history = new TokenHistory(prompt)
    await sequence.truncate(0)
    for (const token of prompt.slice(0, -1)) await sequence.prefill([token])
    const answer: number[] = []
    let last = prompt.at(-1) ?? 0
    while (answer.length < maxTokens) {
      const [candidates] = await sequence.evaluate([last])
      last = sample(candidates ?? [], sampling, answer.length, history)
      history.push(last)
      answer.push(last)
      if (this.#target.isEnd(last)) break
    }
    return answer
  }

  async dispose(): Promise<void> {
    await this.#free()
  }
}
