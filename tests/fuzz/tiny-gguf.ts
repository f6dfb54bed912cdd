/** A number of a GGUF header: where it is, and what it says. */
export interface Field {
  at: number
  bytes: 1 | 4 | 8
  kind: 'count' | 'length' | 'type' | 'value' | 'dimension' | 'offset'
}

export interface TinyGguf {
  bytes: Uint8Array
  fields: Field[]
  /** Where the tensors' data begins. */
  dataOffset: number
}

const F32 = 0
const Q8_0 = 8
const UINT32 = 4
const INT32 = 5
const FLOAT32 = 6
const STRING = 8
const ARRAY = 9
const EMBEDDING = 32
const FEED_FORWARD = 64
const LAYERS = 2

/** A complete language model of 60 kB, which llama.cpp loads in milliseconds, and a map of its header. */
export function tinyGguf(): TinyGguf {
  const out = new Writer()
  const bytesTokens = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
  )
  const tokens = ['<unk>', '<s>', '</s>', ...bytesTokens, '\u2581', 'a', 'b', 'c', 'd']
  const types = tokens.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1))
  const tensors = tensorList(tokens.length)

  out.raw(new TextEncoder().encode('GGUF'))
  out.number(3, 4, 'value')
  out.number(tensors.length, 8, 'count')
  out.number(17, 8, 'count')
  out.text('general.architecture', 'llama')
  out.text('general.name', 'tiny')
  out.uint32('general.alignment', 32)
  out.uint32('llama.context_length', 64)
  out.uint32('llama.embedding_length', EMBEDDING)
  out.uint32('llama.block_count', LAYERS)
  out.uint32('llama.feed_forward_length', FEED_FORWARD)
  out.uint32('llama.attention.head_count', 4)
  out.uint32('llama.attention.head_count_kv', 2)
  out.uint32('llama.rope.dimension_count', 8)
  out.float32('llama.attention.layer_norm_rms_epsilon', 1e-5)
  out.text('tokenizer.ggml.model', 'llama')
  out.list('tokenizer.ggml.tokens', STRING, tokens, (token) => out.string(token))
  out.list('tokenizer.ggml.scores', FLOAT32, tokens, () => out.float(-1))
  out.list('tokenizer.ggml.token_type', INT32, types, (type) => out.number(type, 4, 'value'))
  out.uint32('tokenizer.ggml.bos_token_id', 1)
  out.uint32('tokenizer.ggml.eos_token_id', 2)

  let offset = 0
  for (const { name, dims, type } of tensors) {
    out.string(name)
    out.number(dims.length, 4, 'count')
    dims.forEach((length) => out.number(length, 8, 'dimension'))
    out.number(type, 4, 'type')
    out.number(offset, 8, 'offset')
    offset += Math.ceil(sizeOf(dims, type) / 32) * 32
  }
  out.align(32)
  const dataOffset = out.length
  const data = new Uint8Array(offset)
  for (let i = 0; i < offset; i += 4) {
    // small halves and floats, whatever they are read as
    data.set([i % 7, 0, (i * 31) % 64, 0x3c], i)
  }
  out.raw(data)
  return { bytes: out.finish(), fields: out.fields, dataOffset }
}

function tensorList(vocabulary: number): Array<{ name: string; dims: number[]; type: number }> {
  const layer = (i: number): Array<{ name: string; dims: number[]; type: number }> =>
    [
      { name: 'attn_norm', dims: [EMBEDDING], type: F32 },
      { name: 'attn_q', dims: [EMBEDDING, 32], type: Q8_0 },
      { name: 'attn_k', dims: [EMBEDDING, 16], type: Q8_0 },
      { name: 'attn_v', dims: [EMBEDDING, 16], type: F32 },
      { name: 'attn_output', dims: [32, EMBEDDING], type: F32 },
      { name: 'ffn_norm', dims: [EMBEDDING], type: F32 },
      { name: 'ffn_gate', dims: [EMBEDDING, FEED_FORWARD], type: Q8_0 },
      { name: 'ffn_up', dims: [EMBEDDING, FEED_FORWARD], type: Q8_0 },
      { name: 'ffn_down', dims: [FEED_FORWARD, EMBEDDING], type: F32 }
    ].map(({ name, ...rest }) => ({ name: `blk.${i}.${name}.weight`, ...rest }))
  return [
    { name: 'token_embd.weight', dims: [EMBEDDING, vocabulary], type: Q8_0 },
    { name: 'output_norm.weight', dims: [EMBEDDING], type: F32 },
    { name: 'output.weight', dims: [EMBEDDING, vocabulary], type: Q8_0 },
    ...Array.from({ length: LAYERS }, (_, i) => layer(i)).flat()
  ]
}

function sizeOf(dims: number[], type: number): number {
  const values = dims.reduce((product, length) => product * length, 1)
  return type === F32 ? values * 4 : (values / 32) * 34
}

class Writer {
  readonly fields: Field[] = []
  readonly #parts: Uint8Array[] = []
  length = 0

  raw(bytes: Uint8Array): void {
    this.#parts.push(bytes)
    this.length += bytes.byteLength
  }

  number(value: number, bytes: 4 | 8, kind: Field['kind']): void {
    this.fields.push({ at: this.length, bytes, kind })
    const part = new Uint8Array(bytes)
    new DataView(part.buffer).setUint32(0, value, true)
    this.raw(part)
  }

  float(value: number): void {
    this.fields.push({ at: this.length, bytes: 4, kind: 'value' })
    const part = new Uint8Array(4)
    new DataView(part.buffer).setFloat32(0, value, true)
    this.raw(part)
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.number(bytes.byteLength, 8, 'length')
    this.raw(bytes)
  }

  text(key: string, value: string): void {
    this.#key(key, STRING)
    this.string(value)
  }

  uint32(key: string, value: number): void {
    this.#key(key, UINT32)
    this.number(value, 4, 'value')
  }

  float32(key: string, value: number): void {
    this.#key(key, FLOAT32)
    this.float(value)
  }

  list<T>(key: string, type: number, items: T[], write: (item: T) => void): void {
    this.#key(key, ARRAY)
    this.number(type, 4, 'type')
    this.number(items.length, 8, 'count')
    items.forEach(write)
  }

  align(step: number): void {
    this.raw(new Uint8Array((step - (this.length % step)) % step))
  }

  finish(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts))
  }

  #key(key: string, type: number): void {
    this.string(key)
    this.number(type, 4, 'type')
  }
}
