/**
 * Renders the app's icons from static/icons/icon.svg. Run it after a change of the mark and commit the result:
 * `node scripts/make-icons.ts`. CHROME_PATH names the Chromium to use; without it Playwright's own is.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { chromium } from '@playwright/test'

const folder = new URL('../static/icons/', import.meta.url)
const BACKGROUND = '#0e1413'

interface Icon {
  file: string
  size: number
  /** Share of the icon's width that the mark takes. */
  mark: number
  /** Share of the icon's width that rounds its corners; 0.5 is a circle. */
  round: number
}

// A maskable icon may be cut to a circle of 80 % of its width, so its mark is smaller and its ground reaches the edge.
const icons: Icon[] = [
  { file: 'icon-192.png', size: 192, mark: 0.72, round: 0.22 },
  { file: 'icon-512.png', size: 512, mark: 0.72, round: 0.22 },
  { file: 'maskable-192.png', size: 192, mark: 0.64, round: 0 },
  { file: 'maskable-512.png', size: 512, mark: 0.64, round: 0 },
  { file: 'apple-touch-icon.png', size: 180, mark: 0.62, round: 0 }
]

const svg = await readFile(new URL('icon.svg', folder), 'utf8')
const debian = '/usr/bin/chromium'
const executablePath = process.env.CHROME_PATH ?? (existsSync(debian) ? debian : undefined)
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const page = await browser.newPage()
for (const { file, size, mark, round } of icons) {
  await page.setViewportSize({ width: size, height: size })
  await page.setContent(
    `<style>html{background:transparent}body{margin:0;width:${size}px;height:${size}px;display:grid;place-items:center;` +
      `background:radial-gradient(circle at 55% 30%,#1d3a37,${BACKGROUND} 75%);border-radius:${size * round}px}` +
      `svg{width:${size * mark}px;height:${size * mark}px}</style>${svg}`
  )
  await writeFile(new URL(file, folder), await page.screenshot({ omitBackground: true }))
  console.log(`${file} ${size}x${size}`)
}
await browser.close()
