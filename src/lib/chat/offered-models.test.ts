import { describe, expect, it } from 'vitest'
import { offeredModels } from './offered-models.ts'

describe('offeredModels', () => {
  it('names each model once, counts its Shards, and takes the name from whoever tells it', () => {
    const rows = [
      { models: [{ cid: 'a', name: '' }] },
      {
        models: [
          { cid: 'b', name: 'Big' },
          { cid: 'a', name: 'Tiny' }
        ]
      },
      { models: [{ cid: 'a', name: 'Tiny, renamed' }] }
    ]
    expect(offeredModels(rows)).toEqual([
      { cid: 'b', name: 'Big', count: 1 },
      { cid: 'a', name: 'Tiny', count: 3 }
    ])
    expect(offeredModels([])).toEqual([])
  })
})
