/** Stable codes of {@link StoreError}. */
export type StoreErrorCode =
  /** There is no file at this path. */
  | 'FILE_MISSING'
  /** The file is not what was imported: another size, another time of change, or other bytes. */
  | 'FILE_CHANGED'
  /** A folder, a device, or bytes that do not begin as a GGUF file does. */
  | 'NOT_A_MODEL'
  /** Git LFS left its pointer where the file should be. */
  | 'LFS_POINTER'
  /** The draft's tokens mean something else than the target's. */
  | 'OTHER_TOKENIZER'
  | 'NO_PERMISSION'
  | 'DISK_FULL'
  /** Another process has the data folder open. */
  | 'IN_USE'
  /** The data folder holds what this version cannot read. */
  | 'CORRUPT'

/** What the store could not do with the user's files. The message is a sentence that says what to do. */
export class StoreError extends Error {
  override readonly name: string = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * A block that the store knows but cannot give any more. Its `name` is the one by which interface-blockstore says that
 * there is no such block: bitswap then tells the peer so and goes on with the other blocks, where any other error
 * would leave all of that peer's wishes unanswered (@helia/bitswap 4, Ledger.sendBlocksToPeer).
 */
export class BlockUnavailableError extends StoreError {
  override readonly name = 'NotFoundError'
}

/** The system's error about `path` as a {@link StoreError}; anything that is none is returned as it is. */
export function fileError(path: string, cause: unknown): unknown {
  // models are only read, so what could not be written is the store's own
  const place = isWriteError(cause) ? "Shard's data folder" : path
  switch (systemCode(cause)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new StoreError('FILE_MISSING', `There is no file ${path}; check the path, or put the file back.`, {
        cause
      })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StoreError(
        'NO_PERMISSION',
        `This user may not use ${place}; change its permissions, or choose another place.`,
        { cause }
      )
    case 'ENOSPC':
    case 'EDQUOT':
      return new StoreError(
        'DISK_FULL',
        "The disk with Shard's data folder is full; make room on it, or choose another folder.",
        { cause }
      )
    case 'EISDIR':
      return new StoreError('NOT_A_MODEL', `${path} is a folder; name a GGUF file in it.`, { cause })
    default:
      return cause
  }
}

function isWriteError(error: unknown): boolean {
  return error instanceof Error && (error.name === 'PutFailedError' || error.name === 'DeleteFailedError')
}

/** `ENOENT` and the like; level and blockstore-fs leave it only in the message of the errors that they wrap. */
function systemCode(error: unknown): string | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    if ('code' in current && typeof current.code === 'string' && /^E[A-Z0-9]+$/.test(current.code)) {
      return current.code
    }
    if (/No space left on device/i.test(current.message)) {
      return 'ENOSPC'
    }
    const named = /\b(E[A-Z]{3,}): /.exec(current.message)?.[1]
    if (named != null) {
      return named
    }
  }
  return undefined
}
