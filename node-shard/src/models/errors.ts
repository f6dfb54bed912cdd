/** What can go wrong while a model is fetched; see {@link ModelFetchError}. */
export type ModelFetchFault =
  /** Nobody who has it was found or could be reached. */
  | 'NO_PROVIDER'
  /** Somebody was reached, but nobody sent any more of it. */
  | 'STALLED'
  /** What the CID names is not what the manifest says. */
  | 'WRONG_FILE'
  /** The disk is too small, or the quota. */
  | 'NO_SPACE'
  /** Another process fetches the same file into the same folder. */
  | 'BUSY'
  /** A web server does not give the file. */
  | 'BAD_ORIGIN'
  /** No model of this name or CID is known here. */
  | 'UNKNOWN_MODEL'

/** Thrown while a model is fetched or looked up. The message is a sentence for people that says what to do. */
export class ModelFetchError extends Error {
  override readonly name = 'ModelFetchError'
  readonly code: ModelFetchFault

  constructor(code: ModelFetchFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Why a giver gives no more. */
export type GiverFault =
  /** It sent what nobody asked for, or bytes that are no message. */
  | 'CORRUPT'
  /** It was asked and sent nothing for too long. */
  | 'STALLED'
  /** It does not have the block. */
  | 'MISSING'
  /** The connection ended. */
  | 'GONE'

export class GiverError extends Error {
  override readonly name = 'GiverError'
  readonly fault: GiverFault

  constructor(fault: GiverFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}
