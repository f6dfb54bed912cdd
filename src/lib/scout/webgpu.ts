/** Whether wllama can draft on WebGPU here, and if not, why, in words for people. */
export type WebGpuProbe = { usable: true; adapter: string } | { usable: false; reason: string }

/**
 * Asks for a WebGPU adapter that wllama can really use. wllama itself only looks whether `navigator.gpu` exists, and
 * without `shader-f16` runs on the CPU in silence.
 */
export async function probeWebGpu(gpu: Pick<GPU, 'requestAdapter'> | undefined): Promise<WebGpuProbe> {
  if (gpu == null) return { usable: false, reason: 'this browser offers no WebGPU' }

  let adapter: GPUAdapter | null = null
  try {
    // Chromium's first answer can be null while its GPU process still starts.
    for (let asked = 0; adapter == null && asked < 2; asked++) {
      adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
    }
  } catch (error) {
    return { usable: false, reason: `WebGPU failed: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (adapter == null) return { usable: false, reason: 'this device has no graphics card that the browser lets us use' }
  if (!adapter.features.has('shader-f16')) {
    return {
      usable: false,
      reason: 'the graphics card or its driver does no 16-bit arithmetic (shader-f16) in this browser'
    }
  }
  const { vendor, architecture, description } = adapter.info
  return { usable: true, adapter: description || [vendor, architecture].filter(Boolean).join(' ') || 'graphics card' }
}
