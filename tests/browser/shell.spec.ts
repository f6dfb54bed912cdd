import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { expect, test, type Page } from '@playwright/test'
import { seedConversation } from './seed-conversation.ts'
import { serveStatic, type StaticServer } from './static-server.ts'

const BUILD = 'build'
const PAGES = { chat: '', contribute: 'contribute', network: 'network', about: 'about' }

let server: StaticServer

test.beforeAll(async () => {
  server = await serveStatic(BUILD)
})
test.afterAll(async () => {
  await server.close()
})

/** Opens a page and waits until the shell is painted. */
async function open(page: Page, path = '', base = server.url): Promise<void> {
  await page.goto(base + path)
  await expect(page.locator('main')).toBeVisible()
}

/** Waits until the service worker serves this page and has everything it needs offline. */
async function controlled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready
    while (navigator.serviceWorker.controller == null) {
      await new Promise((resolve) =>
        navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true })
      )
    }
  })
}

test('the manifest is complete and its icons are what it says', async ({ page }) => {
  await open(page)
  const href = await page.locator('link[rel="manifest"]').getAttribute('href')
  const manifest = JSON.parse(await readFile(join(BUILD, href ?? ''), 'utf8')) as {
    id: string
    name: string
    start_url: string
    display: string
    theme_color: string
    icons: { src: string; sizes: string; type: string; purpose: string }[]
    shortcuts: { name: string; url: string }[]
  }
  expect(manifest).toMatchObject({ id: '/', name: 'Shard', start_url: '/', display: 'standalone' })
  expect(manifest.theme_color).toMatch(/^#[0-9a-f]{6}$/)
  expect(manifest.shortcuts.map(({ url }) => url)).toEqual(['/', '/contribute', '/network'])
  const pngs = manifest.icons.filter(({ type }) => type === 'image/png')
  expect(pngs.map(({ sizes, purpose }) => `${sizes} ${purpose}`).sort()).toEqual(
    ['192x192 any', '192x192 maskable', '512x512 any', '512x512 maskable'].sort()
  )
  for (const { src, sizes } of pngs) {
    const size = await page.evaluate(async (url) => {
      const bitmap = await createImageBitmap(await (await fetch(url)).blob())
      return `${bitmap.width}x${bitmap.height}`
    }, src)
    expect(size, src).toBe(sizes)
  }
})

test('opens with the network off, as isolated as before, and asks nobody else for anything', async ({
  page,
  context
}) => {
  const foreign: string[] = []
  context.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url())) foreign.push(request.url())
  })
  await open(page)
  await controlled(page)
  await context.setOffline(true)
  for (const path of Object.values(PAGES)) {
    await open(page, path)
    await expect(page.getByRole('heading', { level: 1 })).toBeAttached()
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  }
  await open(page)
  await page.getByLabel('Message', { exact: true }).fill('Is anybody there?')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByTestId('answer')).toBeVisible()
  await page.reload()
  await expect(page.getByText('Is anybody there?').last()).toBeVisible()
  expect(foreign).toEqual([])
})

test('relays and the API are never answered from a cache', async ({ page }) => {
  const answers: Record<string, unknown> = {
    '/bootstrap.json': { relays: ['first'] },
    '/v1/models': { data: ['first'] }
  }
  const own = await serveStatic(BUILD, answers)
  try {
    await open(page, '', own.url)
    await controlled(page)
    const ask = async (): Promise<string[]> =>
      page.evaluate(async () =>
        Promise.all(['/bootstrap.json', '/v1/models'].map(async (url) => (await fetch(url)).text()))
      )
    expect(await ask()).toEqual(['{"relays":["first"]}', '{"data":["first"]}'])
    Object.assign(answers, { '/bootstrap.json': { relays: ['second'] }, '/v1/models': { data: ['second'] } })
    expect(await ask()).toEqual(['{"relays":["second"]}', '{"data":["second"]}'])
    const cached = await page.evaluate(async () => {
      const caching = (await caches.keys()).map(async (name) => (await caches.open(name)).keys())
      return (await Promise.all(caching)).flat().map(({ url }) => new URL(url).pathname)
    })
    expect(cached).toContain('/index.html')
    expect(cached.filter((path) => path.includes('bootstrap') || path.startsWith('/v1'))).toEqual([])
    // Typed into the address bar, too, the API answers, not the app.
    await page.goto(`${own.url}v1/models`)
    await expect(page.locator('body')).toHaveText('{"data":["second"]}')
  } finally {
    await own.close()
  }
})

test('a new version waits until the person takes it', async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), 'shard-update-'))
  await cp(BUILD, folder, { recursive: true })
  const own = await serveStatic(folder)
  try {
    await open(page, '', own.url)
    await controlled(page)
    await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }))
    await appendFile(join(folder, 'service-worker.js'), '\n// the next version\n')
    await page.evaluate(async () => (await navigator.serviceWorker.ready).update())
    await expect(page.getByText('A new version of Shard is ready.')).toBeVisible()
    expect(
      await page.evaluate(
        async () => (await navigator.serviceWorker.ready).waiting != null && 'sameDocument' in globalThis
      )
    ).toBe(true)
    await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Update' }).click()])
    await expect
      .poll(() =>
        page.evaluate(
          async () => (await navigator.serviceWorker.ready).waiting == null && !('sameDocument' in globalThis)
        )
      )
      .toBe(true)
  } finally {
    await own.close()
    await rm(folder, { recursive: true })
  }
})

test('conversations are renamed, deleted and brought back', async ({ page }) => {
  await open(page)
  await seedConversation(page)
  const list = page.getByRole('region', { name: 'Conversations' })
  await expect(list.getByRole('link', { name: 'Sorting in TypeScript' })).toBeVisible()
  await list.getByRole('button', { name: 'Options of “Sorting in TypeScript”' }).click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  await page.getByLabel('New name').fill('Sorting')
  await page.keyboard.press('Enter')
  await list.getByRole('link', { name: 'Sorting' }).click()
  await expect(page.getByTestId('answer')).toHaveCount(2)
  await list.getByRole('button', { name: 'Options of “Sorting”' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await expect(list.getByRole('link', { name: 'Sorting' })).toBeHidden()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(list.getByRole('link', { name: 'Sorting' })).toBeVisible()
})

test('an answer cannot run code or fetch anything, and shows where it came from', async ({ page }) => {
  const requested: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  await open(page)
  const id = await seedConversation(page)
  await open(page, `c/${id}`)
  const answer = page.getByTestId('answer-text').last()
  await expect(answer.getByText('<img src=x onerror="window.hacked=1">')).toBeVisible()
  await expect(answer.locator('img, script, iframe')).toHaveCount(0)
  expect(await page.evaluate(() => 'hacked' in globalThis)).toBe(false)
  expect(requested.filter((url) => url.includes('example.org'))).toEqual([])
  await expect(page.getByTestId('figures').first()).toHaveText(
    /Shard ….{6} · direct · 4 tokens · .* tokens\/s · 2 drafted/
  )
  await page.getByTestId('figures').first().click()
  await expect(page.getByText('2 of 3 drafted tokens were right')).toBeVisible()
})

test('an answer of a closed tab is offered to be continued', async ({ page }) => {
  await open(page)
  const id = await seedConversation(page, { lastPhase: 'streaming' })
  await open(page, `c/${id}`)
  await expect(page.getByTestId('answer-status').last()).toHaveText(/interrupted/)
  await expect(page.getByRole('button', { name: 'Continue' })).toBeVisible()
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of Object.entries({
    phone: { width: 390, height: 844 },
    desktop: { width: 1280, height: 800 }
  })) {
    test.describe(`${size}, ${colorScheme}`, () => {
      test.use({ colorScheme, viewport })

      test('every page is accessible', async ({ page }) => {
        const look = async (name: string): Promise<void> => {
          await page.screenshot({ path: `test-results/screens/${name}-${size}-${colorScheme}.png` })
          const { violations } = await new AxeBuilder({ page }).analyze()
          const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
          expect(
            serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
            name
          ).toEqual([])
        }
        for (const [name, path] of Object.entries(PAGES)) {
          await open(page, path)
          await expect(page.getByRole('heading', { level: 1 })).toBeAttached()
          await look(name)
        }
        await open(page)
        const id = await seedConversation(page)
        await open(page, `c/${id}`)
        await expect(page.getByTestId('answer')).toHaveCount(2)
        await look('conversation')
        await page.getByTestId('figures').last().click()
        await expect(page.getByText('Where this answer came from').last()).toBeVisible()
        await look('provenance')
        await page.keyboard.press('Escape')
        await page.getByRole('button', { name: 'Settings of this chat' }).click()
        await expect(page.getByLabel('Instructions')).toBeVisible()
        await look('settings')
        await page.keyboard.press('Escape')
        if (size === 'phone') {
          await page.getByRole('button', { name: 'Menu' }).click()
          await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()
          await look('menu')
        }
      })
    })
  }
}
