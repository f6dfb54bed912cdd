import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tokenizerHash } from './tokenizer.ts'

// Same cases in every run.
fc.configureGlobal({ seed: 2 })

const text = fc.string({ unit: 'grapheme', maxLength: 6 })
const list = fc.array(text, { maxLength: 6 })
const tokenizers = fc.record({ model: text, pre: text, tokens: list, merges: list })

/** The rule of the docstring, written with Node's own tools. */
const reference = (parts: Array<string | string[]>): string => {
  const hash = createHash('sha256')
  const addLength = (length: number): void => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(length)
    hash.update(bytes)
  }
  const addString = (value: string): void => {
    addLength(Buffer.byteLength(value))
    hash.update(value)
  }

  for (const part of parts) {
    if (typeof part === 'string') {
      addString(part)
    } else {
      addLength(part.length)
      part.forEach(addString)
    }
  }

  return hash.digest('hex')
}

describe('tokenizerHash', () => {
  it('hashes what its rule says', async () => {
    await fc.assert(
      fc.asyncProperty(tokenizers, async ({ model, pre, tokens, merges }) => {
        const hash = await tokenizerHash({ model, pre, tokens, merges })
        expect(Buffer.from(hash).toString('hex')).toBe(reference(['shard/tokenizer/1', model, pre, tokens, merges]))
      })
    )
  })

  it('takes missing parts for empty ones', async () => {
    const full = await tokenizerHash({ model: 'llama', pre: '', tokens: ['a'], merges: [] })
    expect(await tokenizerHash({ model: 'llama', tokens: ['a'] })).toEqual(full)
  })

  it('tells apart what a plain join would not', async () => {
    const variants = [
      { model: 'ab', pre: '', tokens: ['c'], merges: [] },
      { model: 'a', pre: 'b', tokens: ['c'], merges: [] },
      { model: 'a', pre: 'b', tokens: [], merges: ['c'] },
      { model: 'a', pre: 'b', tokens: ['c', ''], merges: [] },
      { model: 'a', pre: 'b', tokens: ['', 'c'], merges: [] }
    ]
    const hashes = await Promise.all(variants.map(async (variant) => (await tokenizerHash(variant)).join()))
    expect(new Set(hashes).size).toBe(variants.length)
  })
})
