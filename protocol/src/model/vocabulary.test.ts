import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { isShardError } from '../errors.ts'
import { readGgufTokenizer } from './gguf.ts'
import { TokenText } from './token-text.ts'
import { Vocabulary } from './vocabulary.ts'

// Same cases in every run.
fc.configureGlobal({ seed: 2 })

interface Fixture {
  text: string
  ids: number[]
}

const models = new URL('../../../models/', import.meta.url)
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

let fixtures: Fixture[]
let vocabulary: Vocabulary

beforeAll(async () => {
  fixtures = JSON.parse(await readFile(new URL('fixtures/tokenizer_fixtures.json', models), 'utf8')) as Fixture[]
  vocabulary = new Vocabulary(
    await readGgufTokenizer(await openAsBlob(fileURLToPath(new URL('shard-tiny-q4_0.gguf', models))))
  )
})

describe('Vocabulary of the embedded pair', () => {
  it('gives the exact bytes of 200 texts', () => {
    expect(fixtures.length).toBe(200)

    for (const { text, ids } of fixtures) {
      expect(vocabulary.bytes(ids), text).toEqual(utf8(text))
    }
  })

  it('knows its size, its control tokens and its end', () => {
    expect(vocabulary.size).toBe(8192)
    expect(vocabulary.eos).toBe(2)
    expect([0, 1, 2, 3].map((token) => vocabulary.isControl(token))).toEqual([true, true, true, false])
    expect(vocabulary.bytes([1, 2])).toEqual(utf8('<|im_start|><|im_end|>'))
  })

  it('has all 256 bytes as tokens', () => {
    const single = new Set<number>()

    for (let token = 0; token < vocabulary.size; token++) {
      const bytes = vocabulary.tokenBytes(token)

      if (bytes.byteLength === 1) {
        single.add(bytes[0] ?? -1)
      }
    }

    expect(single.size).toBe(256)
  })

  it.each([-1, 8192, 1.5, Number.NaN])('refuses token %d', (token) => {
    for (const action of [
      () => vocabulary.tokenBytes(token),
      () => vocabulary.isControl(token),
      () => vocabulary.bytes([token])
    ]) {
      expect(action).toThrow(expect.toSatisfy((error: unknown) => isShardError(error, 'MALFORMED')))
    }
  })
})

describe('Vocabulary', () => {
  it('reads SentencePiece', () => {
    const pieces = new Vocabulary({
      model: 'llama',
      tokens: ['<unk>', '<s>', '</s>', '<0x0A>', '<0xE2>', '\u2581Hello', 'wor\u2581ld', '<0x0A>', 'a\u2581b'],
      token_type: [2, 3, 3, 6, 6, 1, 1, 1, 4],
      eos_token_id: 2
    })
    const texts = [' Hello', 'wor ld', '<0x0A>', 'a\u2581b', '</s>']
    expect([5, 6, 7, 8, 2].map((token) => pieces.tokenBytes(token))).toEqual(texts.map(utf8))
    expect([3, 4].map((token) => [...pieces.tokenBytes(token)])).toEqual([[0x0a], [0xe2]])
    expect([0, 1, 2, 3, 5, 8].map((token) => pieces.isControl(token))).toEqual([true, true, true, false, false, false])
  })

  it('reads byte-level BPE, and the names of added tokens as they are', () => {
    const bpe = new Vocabulary({
      model: 'gpt2',
      tokens: ['\u0120caf\u00c3\u00a9', '\u0120', '\u6f22'],
      token_type: [1, 4, 1]
    })
    expect([0, 1, 2].map((token) => bpe.tokenBytes(token))).toEqual([' café', '\u0120', '漢'].map(utf8))
    expect(bpe.eos).toBeUndefined()
  })

  it('refuses other tokenizers, so that the caller can ask the engine', () => {
    expect(() => new Vocabulary({ model: 'bert', tokens: ['a'] })).toThrow(
      expect.toSatisfy((error: unknown) => isShardError(error, 'INCOMPATIBLE'))
    )
  })
})

describe('TokenText', () => {
  const collect = (pieces: readonly number[][]): string => {
    const text = new TokenText(vocabulary)
    return pieces.map((piece) => text.push(piece)).join('') + text.flush()
  }

  it('gives every text of the fixtures without its control tokens, token by token', () => {
    for (const { text, ids } of fixtures) {
      const visible = text.replace(/<\|(?:endoftext|im_start|im_end)\|>/g, '')
      expect(collect(ids.map((id) => [id]))).toBe(visible)
    }
  })

  it('emits characters only when they are complete', () => {
    const emoji = fixtures.find(({ text }) => text === 'emoji 😀👍🏽 end')
    expect(emoji).toBeDefined()
    const text = new TokenText(vocabulary)

    for (const id of emoji?.ids ?? []) {
      const piece = text.push([id])
      expect(piece).not.toContain('\ufffd')
      expect(piece.isWellFormed()).toBe(true)
    }

    expect(text.flush()).toBe('')
  })

  it('gives the same text however the tokens are cut, valid UTF-8 or not', () => {
    const tokens = fc.array(fc.oneof(fc.nat(2), fc.integer({ min: 97, max: 258 }), fc.nat(8191)), { maxLength: 60 })

    fc.assert(
      fc.property(tokens, fc.array(fc.nat(60), { maxLength: 10 }), (ids, cuts) => {
        const edges = [0, ...cuts.filter((cut) => cut < ids.length).sort((a, b) => a - b), ids.length]
        const pieces = edges.slice(1).map((end, index) => ids.slice(edges[index], end))
        const visible = ids.filter((id) => !vocabulary.isControl(id))
        const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(vocabulary.bytes(visible))
        expect(collect(pieces)).toBe(whole)
      }),
      { numRuns: 500 }
    )
  })

  it('skips control tokens, and says where a character stayed incomplete', () => {
    const half = fixtures.find(({ text }) => text === '日本語のテキスト')?.ids.slice(0, 2) ?? []
    expect(half.length).toBe(2)
    const text = new TokenText(vocabulary)
    expect(text.push([1, ...half.slice(0, 1), 2])).toBe('')
    expect(text.push(half.slice(1))).toBe('')
    expect(text.flush()).toBe('\ufffd')
    expect(text.push([3])).toBe('!')
  })

  it('takes none of the tokens if one is unknown', () => {
    const text = new TokenText(vocabulary)
    expect(() => text.push([3, 9000])).toThrow(/no token 9000/)
    expect(text.push([3])).toBe('!')
  })
})
