import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AnswerText } from './answer-text.ts'
import type { TextDecoder as TokenDecoder } from './answer-text.ts'

/** A vocabulary of byte strings: a token is what it says, so that any text can be cut anywhere. */
class ByteTokens implements TokenDecoder {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #vocabulary: readonly Uint8Array[]

  constructor(vocabulary: readonly Uint8Array[]) {
    this.#vocabulary = vocabulary
  }

  push(tokens: readonly number[]): string {
    return tokens.map((token) => this.#decoder.decode(this.#vocabulary[token], { stream: true })).join('')
  }

  flush(): string {
    return this.#decoder.decode()
  }
}

interface Case {
  bytes: Uint8Array[]
  stops: string[]
}

/** Text of few letters and some wide characters, cut into tokens at any byte, and stop strings of the same letters. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    text: fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'ä', '€', '😀'), maxLength: 30 }),
    cuts: fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
    stops: fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'ä', '😀'), minLength: 1, maxLength: 4 }), {
      maxLength: 3
    })
  })
  .map(({ text, cuts, stops }) => {
    const all = new TextEncoder().encode(text)
    const bytes: Uint8Array[] = []
    for (let start = 0; start < all.byteLength;) {
      const end = start + (cuts.next().value as number)
      bytes.push(all.subarray(start, end))
      start = end
    }
    return { bytes, stops }
  })

/** The definition: decode token after token; the answer ends before the first stop string that is there. */
function expected({ bytes, stops }: Case): { text: string; tokens: number; stopped: boolean } {
  const decoder = new ByteTokens(bytes)
  let text = ''
  for (let token = 0; token < bytes.length; token++) {
    text += decoder.push([token])
    const found = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0)
    if (found.length > 0) return { text: text.slice(0, Math.min(...found)), tokens: token + 1, stopped: true }
  }
  return { text: text + decoder.flush(), tokens: bytes.length, stopped: false }
}

function answer(bytes: Uint8Array[], stops: string[]): AnswerText {
  return new AnswerText(new ByteTokens(bytes), stops)
}

function say(texts: string[], stops: string[]): { given: string[]; rest: string; stopped: boolean } {
  const text = answer(
    texts.map((each) => new TextEncoder().encode(each)),
    stops
  )
  const given = texts.map((_, token) => text.push(token))
  return { given, rest: text.flush(), stopped: text.stopped }
}

describe('AnswerText', () => {
  it('gives the text up to the first stop string, and knows the token that completes it', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { bytes, stops } = given
        const text = answer(bytes, stops)
        let all = ''
        let tokens = 0
        for (; tokens < bytes.length && !text.stopped; tokens++) all += text.push(tokens)
        all += text.flush()
        expect({ text: all, tokens, stopped: text.stopped }).toEqual(expected(given))
      }),
      { numRuns: 2_000 }
    )
  })

  it('goes on on another Shard, after any token, with exactly the text that is missing', () => {
    fc.assert(
      fc.property(cases, fc.nat(), (given, cut) => {
        const { bytes, stops } = given
        const { tokens } = expected(given)
        const moved = cut % (tokens + 1)
        const first = answer(bytes, stops)
        const second = answer(bytes, stops)
        let before = ''
        for (let token = 0; token < moved; token++) {
          before += first.push(token)
          second.push(token)
        }
        let after = ''
        for (let token = moved; token < tokens; token++) after += second.push(token)
        after += second.flush()
        expect(before + after).toBe(expected(given).text)
      }),
      { numRuns: 1_000 }
    )
  })

  it('never holds back more than can still become a stop string', () => {
    fc.assert(
      fc.property(cases, ({ bytes, stops }) => {
        const longest = Math.max(0, ...stops.map((stop) => stop.length - 1))
        const decoder = new ByteTokens(bytes)
        const text = answer(bytes, stops)
        let decoded = 0
        let given = 0
        for (let token = 0; token < bytes.length && !text.stopped; token++) {
          decoded += decoder.push([token]).length
          given += text.push(token).length
          if (!text.stopped) expect(decoded - given).toBeLessThanOrEqual(longest)
        }
      })
    )
  })

  it.each<[string, string[], string[], string[], string, boolean]>([
    ['passes text on at once without stop strings', ['He', 'llo'], [], ['He', 'llo'], '', false],
    ['holds the beginning of a stop string back', ['a\n', '\nb'], ['\n\n'], ['a', ''], '', true],
    ['gives it when something else follows', ['a\n', 'b'], ['\n\n'], ['a', '\nb'], '', false],
    ['gives it when nothing follows', ['a\n'], ['\n\n'], ['a'], '\n', false],
    ['finds a stop string that three tokens make up', ['xST', 'O', 'Py'], ['STOP'], ['x', '', ''], '', true],
    ['takes the one that begins first', ['abcd'], ['cd', 'bc'], ['a'], '', true],
    ['finds one in the held-back beginning of another', ['aab'], ['aaa', 'ab'], ['a'], '', true],
    ['looks for a beginning within a broken one', ['aa', 'ab'], ['aab'], ['', 'a'], '', true],
    ['says nothing after a stop string', ['.', 'more'], ['.'], ['', ''], '', true]
  ])('%s', (_, texts, stops, given, rest, stopped) => {
    expect(say(texts, stops)).toEqual({ given, rest, stopped })
  })

  it('keeps a character whole whose bytes are several tokens, and shows one that stays broken', () => {
    const bytes = [...new TextEncoder().encode('€')].map((byte) => Uint8Array.of(byte))
    const text = answer(bytes, [])
    expect([text.push(0), text.push(1), text.push(2), text.flush()]).toEqual(['', '', '€', ''])
    const broken = answer(bytes, [])
    expect([broken.push(0), broken.flush()]).toEqual(['', '\u{fffd}'])
  })
})
