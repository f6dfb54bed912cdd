import { describe, expect, it } from 'vitest'
import { newAnswer } from './answer.ts'
import { Farewell, type FarewellStorage } from './farewell.ts'

function memory(entries: [string, string][] = []): FarewellStorage & { map: Map<string, string> } {
  const map = new Map(entries)
  return {
    map,
    get length() {
      return map.size
    },
    key: (index) => [...map.keys()][index] ?? null,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key)
  }
}

const answer = (text: string) => ({ ...newAnswer({ model: 'm', seed: 1, maxTokens: 0, policy: 'own' }, 0), text })

describe('Farewell', () => {
  it('gives every answer to the next page once, and touches nothing else', () => {
    const storage = memory([['shard-theme', 'dark']])
    const farewell = new Farewell(() => storage)
    farewell.leave('a', answer('one'))
    farewell.leave('b', answer('two'))
    farewell.leave('a', answer('one more'))
    expect([...farewell.take()]).toEqual([
      ['a', answer('one more')],
      ['b', answer('two')]
    ])
    expect([...farewell.take()]).toEqual([])
    expect([...storage.map]).toEqual([['shard-theme', 'dark']])
  })

  it('does without a storage that is forbidden, full or filled with something else', () => {
    const forbidden = new Farewell(() => {
      throw new DOMException('Access is denied.', 'SecurityError')
    })
    forbidden.leave('a', answer('x'))
    expect(forbidden.take().size).toBe(0)
    const storage = memory([['shard-farewell/a', 'not json']])
    expect(new Farewell(() => storage).take().size).toBe(0)
    expect(storage.map.size).toBe(0)
  })
})
