import { describe, expect, it, vi } from 'vitest'
import { findChromium, type ChromiumHost } from '../../scripts/lib/chromium.ts'

function host(init: Partial<ChromiumHost> & { running?: string[] }): ChromiumHost {
  const running = init.running ?? []
  return {
    env: {},
    candidates: async () => ['/bin/stub', '/bin/chromium'],
    works: async (file) => running.includes(file),
    installers: [],
    say: () => undefined,
    ...init
  }
}

const installer = (name: string, effect: () => string | undefined, possible = true) => ({
  name,
  possible: () => possible,
  install: vi.fn(async () => effect())
})

describe('findChromium', () => {
  it('takes CHROME_PATH before all others', async () => {
    const env = { CHROME_PATH: '/my/chrome' }
    expect(await findChromium(host({ env, running: ['/bin/chromium', '/my/chrome'] }))).toBe('/my/chrome')
  })

  it('refuses a CHROME_PATH that does not run rather than test with another one', async () => {
    const env = { CHROME_PATH: '/my/chrome' }
    await expect(findChromium(host({ env, running: ['/bin/chromium'] }))).rejects.toThrow(
      'CHROME_PATH names /my/chrome'
    )
  })

  it('passes over a file that is there and does not run', async () => {
    expect(await findChromium(host({ running: ['/bin/chromium'] }))).toBe('/bin/chromium')
  })

  it('installs by the first way that works', async () => {
    const running: string[] = []
    const impossible = installer('impossible', () => undefined, false)
    const failing = installer('failing', () => 'no network')
    const good = installer('good', () => void running.push('/bin/chromium'))
    const late = installer('late', () => undefined)
    expect(await findChromium(host({ running, installers: [impossible, failing, good, late] }))).toBe('/bin/chromium')
    expect(impossible.install).not.toHaveBeenCalled()
    expect(failing.install).toHaveBeenCalled()
    expect(late.install).not.toHaveBeenCalled()
  })

  it('fails with all that was tried where nothing helps', async () => {
    const installers = [installer('one', () => 'no network'), installer('two', () => undefined)]
    await expect(findChromium(host({ installers }))).rejects.toThrow(
      /one:\nno network\n\ntwo:\nended well, but there is still no Chromium[^]*set CHROME_PATH/
    )
  })
})
