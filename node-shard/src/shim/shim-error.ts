/** The server could not be started. The message is a sentence that says what to do. */
export class ShimError extends Error {
  override readonly name = 'ShimError'
  readonly code: 'PORT_TAKEN' | 'NO_PERMISSION' | 'NOT_LOOPBACK' | 'NO_APP'

  constructor(code: ShimError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
