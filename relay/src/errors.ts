/** Why a relay could not start. Stable: programs switch on it. */
export type RelayErrorCode =
  'BAD_ADDRESS' | 'ADDRESS_IN_USE' | 'ADDRESS_REFUSED' | 'BAD_IDENTITY' | 'DATA_IN_USE' | 'DATA_REFUSED'

/** Thrown by `createRelay`; its message is one sentence that says what to do. */
export class RelayError extends Error {
  override readonly name = 'RelayError'

  constructor(
    readonly code: RelayErrorCode,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
  }
}

/** The `code` of a Node error ('ENOENT', 'EADDRINUSE', ...), if it has one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
