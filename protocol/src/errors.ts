/**
 * @packageDocumentation
 *
 * The one error type that crosses a Shard stream. Its `code` is stable and is what programs switch on; its
 * `message` is a sentence for people that says what to do. docs/PROTOCOL.md lists who sends which code, and when.
 */

/** Stable codes of {@link ShardError}. The numbers travel in `Fault.code`; never reuse one. */
export const FAULT_CODES = {
  /** Bytes that are not the message that was due, or a field outside its range. */
  MALFORMED: 1,
  /** A message, list or text longer than `limits.ts` allows. */
  OVERSIZED: 2,
  /** A valid message at a moment when the protocol does not allow it. */
  OUT_OF_ORDER: 3,
  /** The other side was silent, or did not read, for longer than its time limit. */
  TIMEOUT: 4,
  /** This Shard does not serve the model that was named. */
  UNKNOWN_MODEL: 5,
  /** Every sequence is taken and the queue is full, or this Shard needs no more Scouts. */
  BUSY: 6,
  /** Prompt and answer do not fit the model's context. */
  CONTEXT_OVERFLOW: 7,
  /** The request contradicts itself or asks for what does not exist. */
  INVALID_REQUEST: 8,
  /** The Scout's tokenizer is not the target's. */
  INCOMPATIBLE: 9,
  /** The peer is going away; ask another one. */
  SHUTTING_DOWN: 10,
  /** A fault of the peer's own. */
  INTERNAL: 11,
  /** The stream ended before the answer did. Raised locally, never sent. */
  DISCONNECTED: 12,
  /** No peer that serves the model could be found or reached. Raised locally, never sent. */
  NO_SHARD: 13,
  /** More messages in a time than `limits.ts` allows. */
  RATE_LIMITED: 14
} as const

export type FaultCode = keyof typeof FAULT_CODES

/** Thrown by every service of `@shard/protocol`, on the side that noticed and on the side that was told. */
export class ShardError extends Error {
  override readonly name = 'ShardError'

  constructor(
    readonly code: FaultCode,
    message: string,
    options: ErrorOptions & {
      /** True where the other side reported the fault. */
      remote?: boolean
    } = {}
  ) {
    super(message, options)
    this.remote = options.remote ?? false
  }

  readonly remote: boolean
}

/** True if `error` is a {@link ShardError}, of the given code if one is named. */
export function isShardError(error: unknown, code?: FaultCode): error is ShardError {
  return error instanceof ShardError && (code == null || error.code === code)
}

/** The name of a code number from the wire; a number that this version does not know is INTERNAL. */
export function faultCode(value: number): FaultCode {
  const known = Object.entries(FAULT_CODES).find(([, number]) => number === value)
  return (known?.[0] ?? 'INTERNAL') as FaultCode
}
