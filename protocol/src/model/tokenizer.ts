/**
 * A tokenizer as GGUF files describe it, with their field names: `tokenizer.ggml.*`. node-llama-cpp's
 * `model.fileInfo.metadata.tokenizer.ggml` is one.
 */
export interface GgmlTokenizer {
  /** `gpt2` is byte-level BPE, `llama` is SentencePiece. */
  readonly model: string
  /** Name of the rule that splits text before BPE. */
  readonly pre?: string
  readonly tokens: readonly string[]
  /** Kind of each token; see {@link TOKEN_TYPES}. */
  readonly token_type?: readonly number[]
  readonly merges?: readonly string[]
  readonly bos_token_id?: number
  readonly eos_token_id?: number
  readonly eot_token_id?: number
  readonly eom_token_id?: number
}

/** llama.cpp's `llama_token_type`. */
export const TOKEN_TYPES = {
  NORMAL: 1,
  UNKNOWN: 2,
  CONTROL: 3,
  USER_DEFINED: 4,
  UNUSED: 5,
  BYTE: 6
} as const

/** First field of the hashed bytes: names what they are, and the version of this rule. */
const DOMAIN = 'shard/tokenizer/1'

/**
 * SHA-256 over what makes token ids mean the same: two models with one hash can exchange ids. Normative: the hashed
 * bytes are, in this order, the strings `shard/tokenizer/1`, `model` and `pre` (empty if there is none), the list
 * `tokens` and the list `merges` (empty if there is none). A string is its length in bytes as an unsigned 32-bit
 * little-endian integer, then its UTF-8; a list is its length in the same form, then its strings. So no two different
 * tokenizers give the same bytes.
 */
export async function tokenizerHash(
  tokenizer: Pick<GgmlTokenizer, 'model' | 'pre' | 'tokens' | 'merges'>
): Promise<Uint8Array> {
  const { model, pre = '', tokens, merges = [] } = tokenizer
  const room = (sum: number, text: string): number => sum + 4 + 3 * text.length // 3 bytes of UTF-8 a UTF-16 unit
  const buffer = new Uint8Array(merges.reduce(room, tokens.reduce(room, [DOMAIN, model, pre].reduce(room, 8))))
  const view = new DataView(buffer.buffer)
  const encoder = new TextEncoder()
  let offset = 0

  const addLength = (length: number): void => {
    view.setUint32(offset, length, true)
    offset += 4
  }
  const addString = (text: string): void => {
    const { written } = encoder.encodeInto(text, buffer.subarray(offset + 4))
    addLength(written)
    offset += written
  }
  const addList = (list: readonly string[]): void => {
    addLength(list.length)
    list.forEach(addString)
  }

  addString(DOMAIN)
  addString(model)
  addString(pre)
  addList(tokens)
  addList(merges)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', buffer.subarray(0, offset)))
}
