import { ShardDistributedModel, type LoadOptions } from '@shard/node/sdk'
import { describe, expect, inject, it } from 'vitest'
import { KEY, MODEL } from './lib/api.ts'

const apis = inject('apis')
const routerUrl = apis.connect.replace('/v1', '')

describe('the SDK', () => {
  it('gets the same tokens over all transports', async () => {
    const answers = []
    const transports: LoadOptions[] = [
      { transport: 'websocket', routerUrl, apiKey: KEY },
      { transport: 'http_poll', routerUrl, apiKey: KEY },
      { transport: 'p2p', relays: [apis.relay] }
    ]
    for (const options of transports) {
      const model = await ShardDistributedModel.fromPretrained(MODEL, options)
      answers.push(await model.generate('Once upon a time', { maxNewTokens: 30, seed: 5 }))
      await model.close()
    }
    expect(answers[0]?.tokenIds).toHaveLength(30)
    expect(answers[0]).toMatchObject({ finishReason: 'length', seed: 5, promptTokens: 4 })
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
  })

  it('is told by the swarm that there is no such model', async () => {
    const model = await ShardDistributedModel.fromPretrained('gpt', { routerUrl, apiKey: KEY })
    await expect(model.generate('Hi')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })
})
