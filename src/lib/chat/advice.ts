import type { Answer } from './answer.ts'

export interface Advice {
  title: string
  /** What the person can do about it. */
  action: string
}

const ADVICE: Record<string, Advice> = {
  NO_SHARD: {
    title: 'No Shard found',
    action:
      'Nobody on this network offers the model right now. Start one on a computer with “shard serve”, or try again in a moment.'
  },
  BUSY: { title: 'Every Shard is busy', action: 'All places are taken and the queue is full. Try again in a moment.' },
  CONTEXT_OVERFLOW: {
    title: 'The conversation is too long for this model',
    action: 'Start a new chat, or lower “Longest answer” in the settings.'
  },
  UNKNOWN_MODEL: { title: 'No Shard serves this model any more', action: 'Choose another model, then try again.' },
  TIMEOUT: {
    title: 'The Shard stopped answering',
    action: 'Continue to ask another one; nothing of the answer is lost.'
  },
  DISCONNECTED: {
    title: 'The connection broke',
    action: 'Continue to ask another Shard; nothing of the answer is lost.'
  },
  SHUTTING_DOWN: {
    title: 'The Shard is going away',
    action: 'Continue to ask another one; nothing of the answer is lost.'
  },
  RATE_LIMITED: { title: 'Too many questions at once', action: 'Wait a few seconds, then try again.' }
}

const OTHER: Advice = {
  title: 'That did not work',
  action: 'Try again. If it happens again, choose another model or start a new chat.'
}

/** What to tell a person about an answer that failed. */
export function adviceFor(error: NonNullable<Answer['error']>): Advice {
  return ADVICE[error.code] ?? OTHER
}
