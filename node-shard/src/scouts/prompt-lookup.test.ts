import { describe, expect, it } from 'vitest'
import { PromptLookup } from './prompt-lookup.ts'

describe('PromptLookup', () => {
  it('guesses what followed the last time', () => {
    const lookup = new PromptLookup([1, 2, 3, 4, 5, 6, 9, 1, 2, 3])
    expect(lookup.guess()).toEqual([4, 5, 6, 9, 1, 2, 3])
  })

  it('has nothing to say of what has not come before', () => {
    expect(new PromptLookup([1, 2, 3, 4, 5]).guess()).toEqual([])
    expect(new PromptLookup([]).guess()).toEqual([])
  })

  it('prefers the newest of several places, and goes on as tokens come', () => {
    const lookup = new PromptLookup([1, 2, 3, 7, 1, 2, 3, 8, 1, 2])
    lookup.push([3])
    expect(lookup.guess().slice(0, 3)).toEqual([8, 1, 2])
    lookup.push([8])
    expect(lookup.guess().slice(0, 2)).toEqual([1, 2])
  })
})
