/** The part of a `Vocabulary` that gives the raw bytes behind a token id. */
export interface TokenBytes {
  /** @throws where the vocabulary has no such token */
  tokenBytes(token: number): Uint8Array
}

/** A context as text. */
export interface PromptText {
  text: string
  /**
   * How many tokens at the end are not in `text`, because a UTF-8 character ends beyond the context. The engine has to
   * draft these tokens again before it drafts anything new.
   */
  held: number
}

/**
 * An unfinished character is at most 3 tokens of one byte each. A token may also end one character and begin another,
 * and a chain of such tokens is held as a whole; a longer chain than this does not occur in text that people write.
 */
const MAX_HELD = 8

/**
 * The text of a context, for an engine that takes text only. It is built from the vocabulary's raw bytes and never
 * with llama.cpp's detokenizer, which cleans up spaces (" ?" becomes "?") and so gives text of other tokens.
 *
 * @returns undefined where the tokens are no text: an unknown id, or bytes that are not UTF-8
 */
export function promptText(vocabulary: TokenBytes, context: readonly number[]): PromptText | undefined {
  let parts: Uint8Array[]
  try {
    parts = context.map((token) => vocabulary.tokenBytes(token))
  } catch {
    return undefined
  }

  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let end = 0
  for (const part of parts) {
    joined.set(part, end)
    end += part.length
  }

  // Bytes that no continuation can turn into UTF-8 are no text, held or not.
  if (!isTextSoFar(joined)) return undefined
  for (let held = 0; held <= Math.min(MAX_HELD, parts.length); held++) {
    const text = decode(joined.subarray(0, end))
    if (text != null) return { text, held }
    end -= parts[parts.length - 1 - held]?.length ?? 0
  }
  return undefined
}

// ignoreBOM keeps a byte order mark in the text: it is a part of what the tokens say.
const utf8 = { fatal: true, ignoreBOM: true }

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', utf8).decode(bytes)
  } catch {
    return undefined
  }
}

/** True if `bytes` are UTF-8, perhaps with an unfinished character at the end. */
function isTextSoFar(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', utf8).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
