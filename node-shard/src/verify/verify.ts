import { sample, TokenHistory } from '@shard/protocol/sampling'
import { BATCH_SIZES } from './constants.ts'
import type { DraftChain, Round, VerifyInit } from './index.ts'

/**
 * Yields a round for each batch until the generation ends. The sequence has to be prefilled: all tokens but the last one
 * are evaluated in it. That holds again after each round, so the loop can be left, and gone on with, at any round.
 *
 * @throws the signal's reason when aborted, within one batch
 */
export async function* verify(init: VerifyInit): AsyncGenerator<Round, void, undefined> {
  const { sequence, prompt, sampling, maxTokens, isEnd, drafts, signal } = init
  const committed = [...init.committed]
  const history = new TokenHistory(prompt, committed)

  let last = committed.at(-1) ?? prompt.at(-1)
  while (last != null && committed.length < maxTokens) {
    signal.throwIfAborted()
    const draft = fit(drafts.best(committed), maxTokens - committed.length)
    const start = sequence.length
    const candidates = await sequence.evaluate([last, ...draft.tokens])

    const round: Round = {
      position: committed.length,
      tokens: [],
      offered: draft.tokens.length,
      accepted: 0,
      scout: draft.scout
    }
    for (const successors of candidates) {
      const token = sample(successors, sampling, committed.length, history)
      history.push(token)
      committed.push(token)
      round.tokens.push(token)
      const matches = draft.tokens[round.accepted] === token
      round.accepted += matches ? 1 : 0
      round.end = isEnd(token) ? 'stop' : committed.length >= maxTokens ? 'length' : undefined
      if (!matches || round.end != null) {
        break
      }
    }
    // `last` and the draft tokens that were right stay evaluated; a draft's right last token may stay unevaluated
    await sequence.truncate(Math.min(sequence.length, start + round.tokens.length))
    last = round.tokens.at(-1)
    yield round
    if (round.end != null) {
      return
    }
  }
}

const NO_DRAFT = { tokens: [], scout: undefined } as const

/** Cuts a chain so that it and the token before it make a batch that pays, and end where the generation does. */
function fit(chain: DraftChain | undefined, left: number): { tokens: readonly number[]; scout?: string } {
  const most = Math.min(chain?.tokens.length ?? 0, left - 1)
  const size = BATCH_SIZES.findLast((batch) => batch <= most + 1) ?? 1
  return chain == null || size === 1 ? NO_DRAFT : { tokens: chain.tokens.slice(0, size - 1), scout: chain.scout }
}
