import { peerIdFromString } from '@libp2p/peer-id'
import type { FinishReason, GenerateResponse } from '@shard/protocol/generate'
import type { Round } from '../verify/index.ts'

/** What is counted while a generation is decoded; times are `performance.now()`. */
export interface Tally {
  promptTokens: number
  offered: number
  accepted: number
  rounds: number
  started: number
  /** When the prompt was evaluated and decoding began. */
  prefilled?: number
}

export function toCommit({ position, tokens, accepted, scout }: Round, text: string): Partial<GenerateResponse> {
  return {
    commit: { position, tokens, text, drafted: accepted, scout: accepted > 0 ? peerIdBytes(scout) : new Uint8Array() }
  }
}

export function toDone(
  tally: Tally,
  reason: FinishReason,
  text: string,
  completionTokens: number
): Partial<GenerateResponse> {
  const now = performance.now()
  const decoding = tally.prefilled ?? now
  return {
    done: {
      reason,
      text,
      promptTokens: tally.promptTokens,
      completionTokens,
      draftedTokens: tally.offered,
      acceptedTokens: tally.accepted,
      rounds: tally.rounds,
      prefillMs: decoding - tally.started,
      decodeMs: now - decoding
    }
  }
}

function peerIdBytes(scout: string | undefined): Uint8Array<ArrayBuffer> {
  return scout == null ? new Uint8Array() : new Uint8Array(peerIdFromString(scout).toMultihash().bytes)
}
