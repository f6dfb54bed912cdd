/** What can go wrong while a model is fetched; see {@link ModelFetchError}. */
export type ModelFetchFault =
  /** This browser gives the app too little storage. */
  | 'NO_SPACE'
  /** No peer that has the file was found or could be reached. */
  | 'NO_PROVIDER'
  /** Peers were reached, but none of them sent any more of it. */
  | 'STALLED'
  /** What the CID names is not what the manifest says. */
  | 'WRONG_FILE'

/** Thrown while a model is fetched. The message is a sentence for people that says what to do. */
export class ModelFetchError extends Error {
  override readonly name = 'ModelFetchError'

  constructor(
    readonly code: ModelFetchFault,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
  }
}

/** True if the browser refused to store more. blockstore-idb keeps of its error only the text. */
export function isQuotaError(error: unknown): boolean {
  return error instanceof Error && (error.name === 'QuotaExceededError' || error.message.includes('QuotaExceededError'))
}

export function noSpace(cause?: unknown): ModelFetchError {
  const remedy = 'Free some space, or close private windows: they get little.'
  return new ModelFetchError('NO_SPACE', `This browser has no room for the model. ${remedy}`, { cause })
}
