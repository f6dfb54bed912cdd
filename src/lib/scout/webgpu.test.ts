import { describe, expect, it } from 'vitest'
import { probeWebGpu } from './webgpu.ts'

function adapter(features: string[], info: Partial<GPUAdapterInfo> = {}): GPUAdapter {
  return {
    features: new Set(features),
    info: { vendor: '', architecture: '', description: '', ...info }
  } as unknown as GPUAdapter
}

/** A GPU that gives these answers, one for each request. */
function gpu(...answers: Array<GPUAdapter | null | Error>): Pick<GPU, 'requestAdapter'> {
  return {
    requestAdapter: async () => {
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer ?? null
    }
  }
}

describe('probeWebGpu', () => {
  it('uses an adapter with 16-bit floats and names it', async () => {
    expect(await probeWebGpu(gpu(adapter(['shader-f16'], { vendor: 'amd', architecture: 'rdna-3' })))).toEqual({
      usable: true,
      adapter: 'amd rdna-3'
    })
  })

  it('asks a second time when the first answer is null', async () => {
    expect(await probeWebGpu(gpu(null, adapter(['shader-f16'])))).toMatchObject({ usable: true })
  })

  it.each([
    ['no WebGPU at all', undefined, /offers no WebGPU/],
    ['no adapter, twice', gpu(null, null, adapter(['shader-f16'])), /no graphics card/],
    ['an adapter without shader-f16', gpu(adapter(['texture-compression-bc'])), /shader-f16/],
    ['a request that throws', gpu(new Error('lost')), /WebGPU failed: lost/]
  ])('says why not: %s', async (_, given, reason) => {
    const probe = await probeWebGpu(given)
    expect(probe).toMatchObject({ usable: false, reason: expect.stringMatching(reason) })
  })
})
