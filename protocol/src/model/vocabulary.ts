import { ShardError } from '../errors.ts'
import { TOKEN_TYPES } from './tokenizer.ts'
import type { GgmlTokenizer } from './tokenizer.ts'

const BYTE_TOKEN = /^<0x([0-9a-fA-F]{2})>$/
const SENTENCEPIECE_SPACE = /\u2581/g

/**
 * What each token of a vocabulary is in bytes. llama.cpp's own detokenizer cleans spaces up (" ?" becomes "?"), so text
 * that has to be exact comes from here.
 */
export class Vocabulary {
  /** Number of tokens. */
  readonly size: number
  /** The token that ends a turn or a text, if the file names one. */
  readonly eos?: number

  private readonly tokenizer: GgmlTokenizer
  private readonly read: (text: string, type: number) => Uint8Array
  private readonly cache: Array<Uint8Array | undefined>

  /**
   * @throws ShardError INCOMPATIBLE if `tokenizer.model` is neither `gpt2` nor `llama`: such a model's text can only
   * come from its engine
   */
  constructor(tokenizer: GgmlTokenizer) {
    if (tokenizer.model === 'gpt2') {
      this.read = readByteLevel
    } else if (tokenizer.model === 'llama') {
      this.read = readSentencePiece
    } else {
      throw new ShardError(
        'INCOMPATIBLE',
        `The tokenizer "${tokenizer.model}" is not known here; use a model whose tokenizer.ggml.model is gpt2 or llama.`
      )
    }

    this.tokenizer = tokenizer
    this.size = tokenizer.tokens.length
    this.eos = tokenizer.eos_token_id
    this.cache = new Array<Uint8Array | undefined>(this.size)
  }

  /**
   * The token's bytes, with no clean-up; of a control token its name, e.g. `<|im_end|>`. May be a part of a UTF-8
   * character. Shared: do not change them.
   *
   * @throws ShardError MALFORMED if the vocabulary has no such token
   */
  tokenBytes(token: number): Uint8Array {
    let bytes = this.cache[token]

    if (bytes == null) {
      bytes = this.read(this.name(token), this.type(token))
      this.cache[token] = bytes
    }

    return bytes
  }

  /**
   * True for tokens that steer the model and are no text: `<|im_end|>`, `</s>`.
   *
   * @throws ShardError MALFORMED if the vocabulary has no such token
   */
  isControl(token: number): boolean {
    this.name(token)
    const type = this.type(token)
    return type === TOKEN_TYPES.CONTROL || type === TOKEN_TYPES.UNKNOWN
  }

  /**
   * The tokens' bytes, one after the other, control tokens included.
   *
   * @throws ShardError MALFORMED if the vocabulary lacks one of them
   */
  bytes(tokens: Iterable<number>): Uint8Array {
    const parts = Array.from(tokens, (token) => this.tokenBytes(token))
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
    let offset = 0

    for (const part of parts) {
      bytes.set(part, offset)
      offset += part.byteLength
    }

    return bytes
  }

  private name(token: number): string {
    const name = this.tokenizer.tokens[token]

    if (name == null) {
      throw new ShardError('MALFORMED', `There is no token ${token} in this vocabulary of ${this.size}.`)
    }

    return name
  }

  private type(token: number): number {
    return this.tokenizer.token_type?.[token] ?? TOKEN_TYPES.NORMAL
  }
}

/** llama.cpp copies the names of these tokens as they are; their text is not in the model's alphabet. */
function isLiteral(type: number): boolean {
  return type === TOKEN_TYPES.CONTROL || type === TOKEN_TYPES.UNKNOWN || type === TOKEN_TYPES.USER_DEFINED
}

/** GPT-2's BPE writes each byte as one printable character. */
function readByteLevel(text: string, type: number): Uint8Array {
  if (isLiteral(type)) {
    return encode(text)
  }

  const bytes: number[] = []

  for (const character of text) {
    const byte = BYTE_OF_CHARACTER.get(character)

    if (byte == null) {
      bytes.push(...encode(character))
    } else {
      bytes.push(byte)
    }
  }

  return Uint8Array.from(bytes)
}

/** SentencePiece writes a space as U+2581, and bytes that are no piece as <0xXX>. */
function readSentencePiece(text: string, type: number): Uint8Array {
  const byte = type === TOKEN_TYPES.BYTE ? BYTE_TOKEN.exec(text)?.[1] : undefined

  if (byte != null) {
    return Uint8Array.of(Number.parseInt(byte, 16))
  }

  return encode(isLiteral(type) ? text : text.replace(SENTENCEPIECE_SPACE, ' '))
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

const BYTE_OF_CHARACTER = byteAlphabet()

/**
 * GPT-2's alphabet (`bytes_to_unicode` of its encoder.py): printable Latin-1 stands for itself, the 68 other bytes are
 * U+0100 and up, in order.
 */
function byteAlphabet(): ReadonlyMap<string, number> {
  const alphabet = new Map<string, number>()
  let next = 0x100

  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    alphabet.set(String.fromCodePoint(printable ? byte : next++), byte)
  }

  return alphabet
}
