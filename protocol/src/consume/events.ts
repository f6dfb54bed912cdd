import type { SamplingParameters } from '../pb/generate.ts'
import type { PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

/** Whose Scouts may read a generation's tokens: only the Consumer's own device's, or anyone's. */
export type DraftPolicy = 'own' | 'anyone'

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** What a Consumer asks. Exactly one of `messages` and `prompt` is given. */
export interface Question {
  /** The manifest's CID. */
  model: CID
  messages?: ChatMessage[]
  prompt?: string
  /** Parts that are left out take the values of `DEFAULT_SAMPLING`; a missing seed is drawn once, for all attempts. */
  sampling?: Partial<SamplingParameters>
  /** Upper bound of generated tokens; 0 or missing: until the model stops or its context is full. */
  maxTokens?: number
  stop?: string[]
  /** Default `anyone`. */
  draftPolicy?: DraftPolicy
  /** Tokens of this answer that are committed already (an answer that is continued). */
  committed?: number[]
}

/** Figures of a finished answer. `draftedTokens`, `rounds` and the times (ms) are of the last Shard that worked on it. */
export interface AnswerFigures {
  promptTokens: number
  completionTokens: number
  /** Draft tokens that were evaluated. */
  draftedTokens: number
  /** Tokens of the answer that were drafted. */
  acceptedTokens: number
  rounds: number
  prefillMs: number
  decodeMs: number
  seed: number
}

/** How a Shard is reached: in this process, over a connection of its own, or through a relay (encrypted end to end). */
export type AnswerPath = 'local' | 'direct' | 'relayed'

/** What a Consumer sees of an answer, in order. `commit` positions are gapless and never repeat. */
export type AnswerEvent =
  /** No Shard for the model is known yet; the DHT and announcements are being asked. */
  | { type: 'searching' }
  /** This Shard was chosen; `attempt` is 1 for the first. `path` is how it is reached. */
  | { type: 'shard'; peer: PeerId; attempt: number; path: AnswerPath }
  /** `ahead` generations are served before this one. */
  | { type: 'queued'; ahead: number }
  | { type: 'prefill'; prefilledTokens: number }
  | { type: 'accepted'; promptTokens: number }
  /** `drafted`: how many of `tokens`, from the first on, `scout` (a PeerId string) drafted. */
  | { type: 'commit'; position: number; tokens: number[]; text: string; drafted: number; scout?: string }
  /** The Shard was lost in mid-answer; the next one goes on at `position`. */
  | { type: 'moved'; from: PeerId; position: number; cause: Error }
  | { type: 'done'; reason: 'stop' | 'length'; text: string; figures: AnswerFigures }
