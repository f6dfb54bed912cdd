import { describe, expect, it } from 'vitest'
import { TokenHistory } from './history.ts'

describe('TokenHistory', () => {
  it('counts generated tokens, and sees those of the prompt too', () => {
    const history = new TokenHistory([1, 2, 2], [3])
    history.push(2)
    history.push(3)

    expect([1, 2, 3, 4].map((token) => history.count(token))).toEqual([0, 1, 2, 0])
    expect([1, 2, 3, 4].map((token) => history.seen(token))).toEqual([true, true, true, false])
  })
})
