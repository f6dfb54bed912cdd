import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { GENERATE_LIMITS, MAX_CONTEXT_TOKENS } from '../limits.ts'
import { DraftPolicy } from '../pb/generate.ts'
import { resolveSampling } from '../sampling/index.ts'
import { validateAsk } from './validate.ts'
import type { Ask } from '../pb/generate.ts'

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy').bytes

const VALID: Ask = {
  model: MODEL,
  messages: [],
  prompt: 'Once',
  sampling: resolveSampling({ seed: 1 }),
  maxTokens: 0,
  stop: [],
  committed: [],
  draftPolicy: DraftPolicy.ANYONE
}

// what each rule refuses is told over a real stream in service.test.ts; these are the last values that it lets pass
describe('validateAsk', () => {
  it.each<[string, Partial<Ask>]>([
    ['an empty prompt, which is the Shard to judge', { prompt: '' }],
    [
      'the longest conversation',
      {
        prompt: undefined,
        messages: Array<Ask['messages'][number]>(GENERATE_LIMITS.maxMessages).fill({ role: 'assistant', content: '' })
      }
    ],
    [
      'the most and longest stop strings',
      { stop: Array<string>(GENERATE_LIMITS.maxStopStrings).fill('x'.repeat(GENERATE_LIMITS.maxStopLength)) }
    ],
    ['the most committed tokens', { committed: Array<number>(MAX_CONTEXT_TOKENS).fill(0) }],
    ['an answer that only has to be ended', { committed: [1, 2, 3], maxTokens: 3 }]
  ])('lets pass %s', (_, changes) => {
    expect(() => validateAsk({ ...VALID, ...changes })).not.toThrow()
  })

  it('names the field, the limit and what to do', () => {
    expect(() => validateAsk({ ...VALID, stop: [''] })).toThrow('A stop string has 1 to 128 characters.')
    expect(() => validateAsk({ ...VALID, prompt: undefined, messages: [{ role: 'tool', content: '' }] })).toThrow(
      '"tool" is no role; use system, user or assistant.'
    )
    expect(() => validateAsk({ ...VALID, committed: Array<number>(MAX_CONTEXT_TOKENS + 1).fill(0) })).toThrow(
      `At most ${MAX_CONTEXT_TOKENS} tokens`
    )
  })
})
