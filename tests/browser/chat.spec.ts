import { expect, test, type Page } from '@playwright/test'
import { SwarmProcesses } from '../swarm/lib/processes.ts'
import { serveStatic, type StaticServer } from './static-server.ts'
import type { Peer } from '../../scripts/lib/peer.ts'

const QUESTION = 'Tell me a short story about a lighthouse.'
const SEED = 7
/** Tokens after which a Shard is held in mid-answer; the whole answer has about 90. */
const MIDDLE = 10

// One swarm, whose Shards are killed one after the other; all answers are compared with the first one.
test.describe.configure({ mode: 'serial' })

let swarm: SwarmProcesses
let server: StaticServer
/** The Shards that run, by PeerId. */
const shards = new Map<string, Peer>()

test.beforeAll(async () => {
  swarm = await SwarmProcesses.start()
  await startShard('first')
  server = await serveStatic('build', { '/bootstrap.json': { relays: [swarm.relay] } })
})
test.afterAll(async () => {
  await server.close()
  await swarm.stop()
})

async function startShard(name: string): Promise<void> {
  const { peer, process } = await swarm.shard(name, ['--no-api', '--threads', '1'])
  shards.set(peer, process)
}

function signal(peer: string | null, name: NodeJS.Signals): void {
  const pid = shards.get(peer ?? '')?.pid
  if (pid == null) throw new Error(`No Shard of this test is ${String(peer)}.`)
  process.kill(pid, name)
}

const answer = (page: Page) => page.getByTestId('answer').last()
const textOf = (page: Page): Promise<string | null> => page.getByTestId('answer-text').last().textContent()

/** Asks in a new chat, with a seed, so that every answer of this file is the same one. */
async function ask(page: Page): Promise<void> {
  await page.goto(server.url)
  await page.getByRole('button', { name: 'Settings of this chat' }).click()
  await page.getByLabel('Seed').fill(String(SEED))
  await page.getByLabel('Seed').blur()
  await page.keyboard.press('Escape')
  await page.getByLabel('Message', { exact: true }).fill(QUESTION)
  await page.keyboard.press('Enter')
}

/** Asks, and freezes the Shard that answers in the middle of it. Returns the Shard's PeerId. */
async function askAndHold(page: Page): Promise<string> {
  const held = new Promise<string>((resolve) => {
    void page.exposeFunction('holdShard', (peer: string) => {
      signal(peer, 'SIGSTOP')
      resolve(peer)
    })
  })
  await page.addInitScript((middle) => {
    const observer = new MutationObserver(() => {
      const figures = document.querySelector<HTMLElement>('[data-testid=figures]')
      const peer = figures?.closest<HTMLElement>('[data-testid=answer]')?.dataset.peer
      if (peer == null || Number(figures?.dataset.tokens) < middle || sessionStorage.getItem('held') != null) return
      sessionStorage.setItem('held', peer)
      observer.disconnect()
      ;(globalThis as unknown as { holdShard: (peer: string) => void }).holdShard(peer)
    })
    observer.observe(document, { subtree: true, childList: true, attributes: true })
  }, MIDDLE)
  await ask(page)
  const peer = await held
  await expect(answer(page)).toHaveAttribute('data-phase', 'streaming')
  return peer
}

let whole: string | null

test('an answer streams in from a Shard that nobody told the app of, and a reload keeps it', async ({ page }) => {
  await page.addInitScript(() => {
    const lengths: number[] = []
    Object.assign(globalThis, { lengths })
    new MutationObserver(() => {
      const length = document.querySelector('[data-testid=answer-text]')?.textContent.length ?? 0
      if (length !== lengths.at(-1)) lengths.push(length)
    }).observe(document, { subtree: true, childList: true, characterData: true })
  })
  await ask(page)
  await expect(answer(page)).toHaveAttribute('data-phase', 'done')
  whole = await textOf(page)
  expect(whole?.length).toBeGreaterThan(100)
  const pieces = await page.evaluate(() => (globalThis as unknown as { lengths: number[] }).lengths)
  expect(pieces.length).toBeGreaterThan(3)
  const peer = await answer(page).getAttribute('data-peer')
  expect([...shards.keys()]).toContain(peer)
  await expect(page.getByTestId('figures')).toHaveText(/Shard ….{6} · direct · \d+ tokens · [\d.]+ tokens\/s/)
  await page.reload()
  await expect(page.getByTestId('answer-text')).toHaveText(whole ?? '')
  await expect(page.getByTestId('figures')).toHaveText(/Shard ….{6} · direct/)
  await page.goto(`${server.url}network`)
  await expect(page.locator(`[data-peer="${String(peer)}"]`)).toBeVisible()
})

test('a stopped answer is continued where it ended, to the same answer', async ({ page }) => {
  const peer = await askAndHold(page)
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect(answer(page)).toHaveAttribute('data-phase', 'stopped')
  const part = await textOf(page)
  signal(peer, 'SIGCONT')
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(answer(page)).toHaveAttribute('data-phase', 'done')
  expect(part?.trim()).not.toBe('')
  expect(await textOf(page)).toBe(whole)
})

test('a reload in mid-answer keeps every token, and the answer is continued', async ({ page }) => {
  const peer = await askAndHold(page)
  // What has arrived is on the page; nothing more comes while the Shard is held.
  const part = await textOf(page)
  const tokens = await page.getByTestId('figures').getAttribute('data-tokens')
  await page.reload()
  signal(peer, 'SIGCONT')
  await expect(answer(page)).toHaveAttribute('data-phase', 'interrupted')
  await expect(page.getByTestId('figures')).toHaveAttribute('data-tokens', tokens ?? '')
  expect(await textOf(page)).toBe(part)
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(answer(page)).toHaveAttribute('data-phase', 'done')
  expect(await textOf(page)).toBe(whole)
})

test('another tab sees the answer grow, and takes nothing away from it', async ({ page, context }) => {
  const peer = await askAndHold(page)
  const part = await textOf(page)
  const other = await context.newPage()
  await other.goto(page.url())
  await expect(other.getByTestId('answer-text')).toHaveText(part ?? '')
  await expect(other.getByTestId('answer-status')).toHaveText('Another tab is receiving this answer.')
  signal(peer, 'SIGCONT')
  await expect(answer(page)).toHaveAttribute('data-phase', 'done')
  await expect(other.getByTestId('answer-text')).toHaveText(whole ?? '')
  await expect(answer(other)).toHaveAttribute('data-phase', 'done')
})

test('an answer whose Shard is killed goes on at the next one, token for token', async ({ page }) => {
  await startShard('second')
  const peer = await askAndHold(page)
  signal(peer, 'SIGKILL')
  shards.delete(peer)
  // A killed peer says nothing over WebRTC: it is missed after 15 s of silence, and the move takes a dial.
  await expect(answer(page)).toHaveAttribute('data-phase', 'done', { timeout: 90_000 })
  expect(await textOf(page)).toBe(whole)
  const next = await answer(page).getAttribute('data-peer')
  expect(next).not.toBe(peer)
  await page.getByTestId('figures').click()
  await expect(page.getByText(`from Shard …${peer.slice(-6)} at token`)).toBeVisible()
})

test('without any Shard the answer says what to do, and is asked for again when there is one', async ({ page }) => {
  const [peer] = shards.keys()
  signal(peer ?? null, 'SIGKILL')
  shards.delete(peer ?? '')
  await ask(page)
  // The dead Shard's record is still in the DHT: it is dialled, and given up, before the search ends.
  await expect(answer(page)).toHaveAttribute('data-phase', 'failed', { timeout: 90_000 })
  await expect(page.getByTestId('answer-error')).toContainText('shard serve')
  await startShard('third')
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(answer(page)).toHaveAttribute('data-phase', 'done')
  expect(await textOf(page)).toBe(whole)
})
