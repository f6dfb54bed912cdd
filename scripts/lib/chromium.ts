import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runCommand } from './command.ts'
import { Problem } from './fresh.mjs'
import { commandFile, ROOT } from './root.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']

/** macOS and Windows keep browsers outside the PATH. */
const PLACES = [
  '/usr/bin',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe'
]

/** A first start on a slow disk takes seconds. */
const VERSION_TIMEOUT = 30_000
const INSTALL_TIMEOUT = 600_000

export interface ChromiumHost {
  env: NodeJS.ProcessEnv
  /** Absolute paths at which Chromium may be, best first. */
  candidates(): Promise<string[]>
  /** True if the file runs as a browser: some distributions put a message about another package there. */
  works(file: string): Promise<boolean>
  /** Ways to install one, best first; each returns what it wrote if it failed. */
  installers: Array<{ name: string; possible(): boolean; install(): Promise<string | undefined> }>
  say(line: string): void
}

/**
 * The path of a Chromium that runs, installed if there is none. Throws a {@link Problem} that says what was tried:
 * browser tests are never left out in silence.
 */
export async function findChromium(host: ChromiumHost): Promise<string> {
  const wanted = host.env.CHROME_PATH
  if (wanted != null && wanted !== '') {
    if (await host.works(wanted)) return wanted
    throw new Problem(`CHROME_PATH names ${wanted}, which does not run. Correct it, or unset it to let the tests look.`)
  }
  const search = async (): Promise<string | undefined> => {
    for (const file of await host.candidates()) if (await host.works(file)) return file
    return undefined
  }
  const found = await search()
  if (found != null) return found

  const tried: string[] = []
  for (const installer of host.installers.filter((candidate) => candidate.possible())) {
    host.say(`Installing Chromium for the browser tests: ${installer.name} ...`)
    const failure = await installer.install()
    const file = await search()
    if (file != null) return file
    tried.push(`${installer.name}:\n${failure ?? 'ended well, but there is still no Chromium that runs.'}`)
  }
  throw new Problem(
    `${tried.join('\n\n')}\n\nThe browser tests need Chromium, and there is none and none could be installed. ` +
      'Install chromium or google-chrome, or set CHROME_PATH to one, then run the tests again.'
  )
}

/** This machine. */
export function chromiumHost(say: (line: string) => void, signal: AbortSignal): ChromiumHost {
  const run = async (file: string, args: string[], timeout = INSTALL_TIMEOUT): Promise<string | undefined> => {
    const { code, output } = await runCommand(file, args, {
      cwd: ROOT,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      output: 'collect',
      timeout,
      signal
    })
    return code === 0 ? undefined : output.trim().split('\n').slice(-15).join('\n')
  }
  return {
    env: process.env,
    candidates: async () => {
      const folders = (process.env.PATH ?? '').split(delimiter)
      const { chromium } = await import('@playwright/test')
      const files = [...folders, ...PLACES].flatMap((place) => [place, ...NAMES.map((name) => join(place, name))])
      return [...new Set([...files, chromium.executablePath()])].filter(
        (file) => existsSync(file) && /chrom/i.test(file)
      )
    },
    works: async (file) => (await run(file, ['--version'], VERSION_TIMEOUT)) == null,
    installers: [
      {
        name: 'apt-get install chromium',
        possible: () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get'),
        install: async () => (await run('apt-get', ['update'])) ?? run('apt-get', ['install', '-y', 'chromium'])
      },
      {
        name: 'playwright install chromium',
        possible: () => true,
        install: () => run(process.execPath, [commandFile('@playwright/test', 'playwright'), 'install', 'chromium'])
      }
    ],
    say
  }
}
