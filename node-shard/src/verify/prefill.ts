import type { GenerationContext } from './index.ts'

/**
 * Evaluates all tokens but the last one, `chunk` at a time, so that it can be left and does not hold up other sequences;
 * yields how many are evaluated after each chunk. What the sequence has evaluated before is kept where it fits.
 *
 * @throws the signal's reason when aborted, within one chunk
 */
export async function* prefill(context: GenerationContext, chunk: number): AsyncGenerator<number, void, undefined> {
  const { sequence, prompt, committed, signal } = context
  const tokens = [...prompt, ...committed].slice(0, -1)
  await sequence.adapt(tokens)
  while (sequence.length < tokens.length) {
    signal.throwIfAborted()
    await sequence.prefill(tokens.slice(sequence.length, sequence.length + chunk))
    yield sequence.length
  }
}
