import { ShardError, isShardError } from '@shard/protocol/errors'
import type { AnswerEvent, AnswerPath, DraftPolicy, Question } from '@shard/protocol/consume'

/** Asks a question of the swarm; `Consumer.ask` of `@shard/protocol/consume` is one. */
export type AskFn = (question: Question, options: { signal?: AbortSignal }) => AsyncIterable<AnswerEvent>

export type AnswerPhase =
  /** The tab's own peer is being started. */
  | 'waking'
  | 'searching'
  | 'queued'
  | 'prefill'
  | 'streaming'
  | 'done'
  /** The person pressed Stop. */
  | 'stopped'
  | 'failed'
  /** The tab that was receiving this answer was closed. */
  | 'interrupted'

export const UNFINISHED: readonly AnswerPhase[] = ['waking', 'searching', 'queued', 'prefill', 'streaming']

/** Everything that is known of one answer. Plain data: it is stored as it is, and a page shows it as it is. */
export interface Answer {
  phase: AnswerPhase
  text: string
  /** Committed tokens; with `seed` they let any Shard go on where this answer ended. */
  tokens: number[]
  /** The manifest's CID; '' until it is known. */
  model: string
  modelName?: string
  seed: number
  /** Upper bound of tokens; 0: none. */
  maxTokens: number
  policy: DraftPolicy
  /** PeerId of the Shard that answers now, or answered last. */
  peer?: string
  path?: AnswerPath
  attempt: number
  /** Answers that are served before this one, while `phase` is `queued`. */
  ahead: number
  prefilledTokens: number
  promptTokens: number
  /** Committed tokens that were drafted, by who drafted them: a Scout's PeerId, or '' for the Shard's own look-up. */
  drafts: Record<string, number>
  /** Draft tokens that Shards evaluated; known when the answer is done. */
  draftedTokens?: number
  moves: { from: string; position: number; cause: string }[]
  finish?: 'stop' | 'length'
  /** Times in ms since 1970, of the last attempt to get this answer; a continued answer starts them anew. */
  startedAt: number
  firstTokenAt?: number
  lastTokenAt?: number
  /** Tokens that came in the commits after the first one of this attempt: what the speed is measured on. */
  timedTokens: number
  error?: { code: string; message: string }
}

export interface NewAnswer {
  model: string
  seed: number
  maxTokens: number
  policy: DraftPolicy
}

export function newAnswer(init: NewAnswer, now: number): Answer {
  return {
    ...init,
    phase: 'waking',
    text: '',
    tokens: [],
    attempt: 0,
    ahead: 0,
    prefilledTokens: 0,
    promptTokens: 0,
    drafts: {},
    moves: [],
    startedAt: now,
    timedTokens: 0
  }
}

/** Makes an answer that ended early ready to go on; its text and tokens stay. */
export function resumeAnswer(answer: Answer, now: number): void {
  Object.assign(answer, { phase: 'waking', attempt: 0, ahead: 0, prefilledTokens: 0, startedAt: now, timedTokens: 0 })
  delete answer.firstTokenAt
  delete answer.lastTokenAt
  delete answer.error
  delete answer.finish
  delete answer.draftedTokens
}

/**
 * Takes one event into the answer.
 *
 * @throws ShardError OUT_OF_ORDER where a commit is not at the next position: a token would be lost or doubled
 */
export function applyEvent(answer: Answer, event: AnswerEvent, now: number): void {
  switch (event.type) {
    case 'searching':
      answer.phase = 'searching'
      break
    case 'shard':
      answer.phase = 'prefill'
      answer.peer = event.peer.toString()
      answer.path = event.path
      answer.attempt = event.attempt
      answer.prefilledTokens = 0
      break
    case 'queued':
      answer.phase = event.ahead > 0 ? 'queued' : 'prefill'
      answer.ahead = event.ahead
      break
    case 'prefill':
      answer.phase = 'prefill'
      answer.prefilledTokens = event.prefilledTokens
      break
    case 'accepted':
      answer.promptTokens = event.promptTokens
      break
    case 'commit':
      applyCommit(answer, event, now)
      break
    case 'moved':
      answer.phase = 'searching'
      answer.moves.push({ from: event.from.toString(), position: event.position, cause: event.cause.message })
      break
    case 'done':
      answer.phase = 'done'
      answer.text += event.text
      answer.finish = event.reason
      answer.promptTokens = event.figures.promptTokens
      answer.draftedTokens = event.figures.draftedTokens
      break
  }
}

function applyCommit(answer: Answer, event: Extract<AnswerEvent, { type: 'commit' }>, now: number): void {
  if (event.position !== answer.tokens.length) {
    throw new ShardError(
      'OUT_OF_ORDER',
      `The Shard sent token ${event.position} where token ${answer.tokens.length} was due. Continue the answer to ask again.`
    )
  }
  answer.phase = 'streaming'
  answer.tokens.push(...event.tokens)
  answer.text += event.text
  if (event.drafted > 0) {
    const scout = event.scout ?? ''
    answer.drafts[scout] = (answer.drafts[scout] ?? 0) + event.drafted
  }
  if (answer.firstTokenAt == null) answer.firstTokenAt = now
  else answer.timedTokens += event.tokens.length
  answer.lastTokenAt = now
}

/**
 * Drives `answer` from the first event to its end. It never rejects: what goes wrong is in `answer.error`, and
 * everything that came before stays in the answer, ready to be continued.
 */
export async function driveAnswer(
  answer: Answer,
  question: Question,
  options: {
    ask: AskFn
    signal: AbortSignal
    /** Called after every change of `answer`. */
    onChange: () => void
    now?: () => number
  }
): Promise<void> {
  const { ask, signal, onChange, now = Date.now } = options
  try {
    for await (const event of ask(question, { signal })) {
      signal.throwIfAborted()
      applyEvent(answer, event, now())
      onChange()
    }
    if (answer.phase !== 'done') {
      throw new ShardError(
        'DISCONNECTED',
        'The Shard went away before the answer was complete. Continue it to ask another one.'
      )
    }
  } catch (error) {
    endAnswer(answer, error, signal)
    onChange()
  }
}

/** Writes into `answer` why it ended early. */
export function endAnswer(answer: Answer, error: unknown, signal: AbortSignal): void {
  if (signal.aborted) {
    answer.phase = 'stopped'
    return
  }
  answer.phase = 'failed'
  answer.error = {
    code: isShardError(error) ? error.code : 'INTERNAL',
    message: error instanceof Error && error.message !== '' ? error.message : 'Something unexpected happened.'
  }
}

/** Tokens a second as they arrived here, or undefined where too few have. */
export function tokensPerSecond(answer: Answer): number | undefined {
  if (answer.firstTokenAt == null || answer.lastTokenAt == null || answer.timedTokens === 0) return undefined
  const seconds = (answer.lastTokenAt - answer.firstTokenAt) / 1000
  return seconds > 0 ? answer.timedTokens / seconds : undefined
}

/** Committed tokens that were drafted, by whomever. */
export function acceptedTokens(answer: Answer): number {
  return Object.values(answer.drafts).reduce((sum, tokens) => sum + tokens, 0)
}

/** True where the answer ended early and can go on from its last committed token. */
export function canContinue(answer: Answer): boolean {
  return (
    answer.phase === 'stopped' ||
    answer.phase === 'interrupted' ||
    answer.phase === 'failed' ||
    answer.finish === 'length'
  )
}
