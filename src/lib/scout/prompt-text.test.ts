import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { promptText } from './prompt-text.ts'

/** A vocabulary of the 256 single bytes and a few whole words. */
const words = [' ?', '<|im_start|>', '\uFEFF', 'né'].map((word) => new TextEncoder().encode(word))
const vocabulary = {
  tokenBytes: (token: number): Uint8Array => {
    const bytes = token >= 0 && token < 256 ? Uint8Array.of(token) : words[token - 256]
    if (bytes == null) throw new RangeError(`no token ${token}`)
    return bytes
  }
}
const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)]

describe('promptText', () => {
  it('keeps spaces, control tokens and byte order marks as they are', () => {
    expect(promptText(vocabulary, [258, 257, ...utf8('hi'), 256])).toEqual({
      text: '\uFEFF<|im_start|>hi ?',
      held: 0
    })
  })

  it('is empty text for no tokens', () => {
    expect(promptText(vocabulary, [])).toEqual({ text: '', held: 0 })
  })

  it('has no text for an id outside the vocabulary', () => {
    expect(promptText(vocabulary, [65, 260])).toBeUndefined()
    expect(promptText(vocabulary, [-1])).toBeUndefined()
  })

  it('has no text for bytes that can never become UTF-8', () => {
    expect(promptText(vocabulary, [0x80, 0x80, 0x80, 0x80, 0x80])).toBeUndefined()
    expect(promptText(vocabulary, [0xff, ...utf8('a')])).toBeUndefined()
  })

  it('holds back exactly the tokens of an unfinished character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (head, last) => {
          const bytes = utf8(last)
          for (let cut = 1; cut < bytes.length; cut++) {
            expect(promptText(vocabulary, [...utf8(head), ...bytes.slice(0, cut)])).toEqual({ text: head, held: cut })
          }
          expect(promptText(vocabulary, [...utf8(head), ...bytes])).toEqual({ text: head + last, held: 0 })
        }
      )
    )
  })

  it('gives text whose bytes are the bytes of the tokens that are not held, whatever the tokens', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 259 })), (context) => {
        const prompt = promptText(vocabulary, context)
        if (prompt == null) return
        const kept = context
          .slice(0, context.length - prompt.held)
          .flatMap((token) => [...vocabulary.tokenBytes(token)])
        expect(utf8(prompt.text)).toEqual(kept)
      })
    )
  })
})
