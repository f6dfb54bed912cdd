import { CID } from 'multiformats/cid'
import { ShardError } from '../errors.ts'
import { GENERATE_LIMITS, MAX_CONTEXT_TOKENS } from '../limits.ts'
import { resolveSampling } from '../sampling/index.ts'
import type { Ask } from '../pb/generate.ts'

const ROLES = new Set(['system', 'user', 'assistant'])

/**
 * Holds an Ask to what docs/PROTOCOL.md says of it. Consumers call it before they send, Shards before they work.
 *
 * @throws ShardError MALFORMED, OVERSIZED or INVALID_REQUEST, whose message names the field and what to do
 */
export function validateAsk(ask: Ask): void {
  validateModel(ask.model)
  if (ask.messages.length > 0 === (ask.prompt != null)) {
    throw new ShardError('INVALID_REQUEST', 'Give either messages or a prompt, and not both.')
  }
  if (ask.messages.length > GENERATE_LIMITS.maxMessages) {
    throw new ShardError(
      'OVERSIZED',
      `A conversation has at most ${GENERATE_LIMITS.maxMessages} messages; leave out old ones.`
    )
  }
  for (const { role } of ask.messages) {
    if (!ROLES.has(role)) {
      throw new ShardError('INVALID_REQUEST', `"${role.slice(0, 32)}" is no role; use system, user or assistant.`)
    }
  }
  if (ask.sampling == null) {
    throw new ShardError('MALFORMED', 'An Ask needs its sampling parameters.')
  }
  resolveSampling(ask.sampling)
  validateStops(ask.stop)
  if (ask.committed.length > MAX_CONTEXT_TOKENS) {
    throw new ShardError('OVERSIZED', `At most ${MAX_CONTEXT_TOKENS} tokens can be committed already.`)
  }
  // an answer of just that length may still need its end: the Shard that committed all of it may have been lost before
  if (ask.maxTokens > 0 && ask.committed.length > ask.maxTokens) {
    throw new ShardError('INVALID_REQUEST', 'The answer is longer than max_tokens allows already.')
  }
}

function validateModel(model: Uint8Array): void {
  try {
    CID.decode(model)
  } catch (cause) {
    throw new ShardError('MALFORMED', 'The model is not a CID.', { cause })
  }
}

function validateStops(stop: string[]): void {
  if (stop.length > GENERATE_LIMITS.maxStopStrings) {
    throw new ShardError('OVERSIZED', `At most ${GENERATE_LIMITS.maxStopStrings} stop strings can be given.`)
  }
  for (const text of stop) {
    if (text.length === 0 || text.length > GENERATE_LIMITS.maxStopLength) {
      throw new ShardError('INVALID_REQUEST', `A stop string has 1 to ${GENERATE_LIMITS.maxStopLength} characters.`)
    }
  }
}
