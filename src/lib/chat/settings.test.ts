import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from './db.ts'
import { parseSettings } from './settings.ts'

describe('parseSettings', () => {
  it('takes what is valid', () => {
    expect(parseSettings({ temperature: 0, maxTokens: 64.7, policy: 'own', model: 'bafy' })).toEqual({
      ...DEFAULT_SETTINGS,
      temperature: 0,
      maxTokens: 64,
      policy: 'own',
      model: 'bafy'
    })
  })

  it('takes the default of whatever is not', () => {
    for (const value of [
      null,
      7,
      'x',
      {},
      { temperature: 9, maxTokens: -1, policy: 'all', model: '' },
      { temperature: Number.NaN, maxTokens: '5' }
    ]) {
      expect(parseSettings(value)).toEqual(DEFAULT_SETTINGS)
    }
  })
})
