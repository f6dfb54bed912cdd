// `npm test`: unit, swarm and browser tests, one runner after the other, and one line that counts them all.
// What follows `npm test --` filters by file name; `npm run test:unit -- -t name` and the like take the runner's options.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromiumHost, findChromium } from './lib/chromium.ts'
import { runCommand } from './lib/command.ts'
import { ensureBuilt, ensureInstalled, Problem, TARGETS } from './lib/fresh.mjs'
import { tallyPlaywright, tallyVitest, type RunnerEnd, type Tally } from './lib/reports.ts'
import { commandFile, ROOT } from './lib/root.ts'

const MINUTE = 60_000

interface Part {
  name: string
  /** The runner's package, which is also what its command is called. */
  runner: { packageName: string; command: string }
  args(report: string): string[]
  env(report: string): NodeJS.ProcessEnv
  /** What the runner needs to call an empty selection a success. */
  emptyIsFine: string
  tally(end: RunnerEnd): Tally
  timeout: number
}

const vitest = (name: string, timeout: number, ...projects: string[]): Part => ({
  name,
  runner: { packageName: 'vitest', command: 'vitest' },
  args: (report) => [
    'run',
    ...projects.flatMap((project) => ['--project', project]),
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  ],
  env: () => ({}),
  emptyIsFine: '--passWithNoTests',
  tally: tallyVitest,
  timeout
})

const PARTS: Part[] = [
  vitest('unit', 10 * MINUTE, 'unit', 'app'),
  vitest('swarm', 20 * MINUTE, 'swarm'),
  {
    name: 'browser',
    runner: { packageName: '@playwright/test', command: 'playwright' },
    args: () => ['test', '--reporter=list,json'],
    env: (report) => ({ PLAYWRIGHT_JSON_OUTPUT_FILE: report }),
    emptyIsFine: '--pass-with-no-tests',
    tally: tallyPlaywright,
    timeout: 20 * MINUTE
  }
]

const interrupted = new AbortController()

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

async function runPart(part: Part, filters: string[], folder: string, chromePath?: string): Promise<Tally> {
  const report = join(folder, `${part.name}.json`)
  const filtered = filters.length > 0
  say(`\n— ${part.name} tests —`)
  const { code } = await runCommand(
    process.execPath,
    [
      commandFile(part.runner.packageName, part.runner.command),
      ...part.args(report),
      ...(filtered ? [part.emptyIsFine] : []),
      ...filters
    ],
    {
      cwd: ROOT,
      env: { ...process.env, ...part.env(report), ...(chromePath == null ? {} : { CHROME_PATH: chromePath }) },
      output: 'inherit',
      timeout: part.timeout,
      signal: interrupted.signal
    }
  )
  const result = part.tally({ report: await readReport(report), code, filtered })
  for (const note of result.notes) say(`${part.name}: ${note}`)
  return result
}

async function readReport(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}

function parse(args: string[]): { parts: Part[]; filters: string[] } {
  const only = args[0] === '--only' ? args[1] : undefined
  const parts = PARTS.filter((part) => only == null || part.name === only)
  if (parts.length === 0) throw new Problem(`--only takes one of ${PARTS.map((part) => part.name).join(', ')}.`)
  return { parts, filters: args.slice(only == null ? 0 : 2) }
}

/** @returns undefined, and says why, if there is none: the other tests run all the same */
async function chromium(): Promise<string | undefined> {
  try {
    return await findChromium(chromiumHost(say, interrupted.signal))
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    say(error.message)
    return undefined
  }
}

async function main(args: string[]): Promise<Tally> {
  const total: Tally = { passed: 0, failed: 0, notes: [] }
  const folder = await mkdtemp(join(tmpdir(), 'shard-test-'))
  try {
    const { parts, filters } = parse(args)
    ensureInstalled(ROOT, say)
    const needsApp = parts.some((part) => part.name !== 'unit')
    ensureBuilt(ROOT, say, needsApp ? TARGETS : TARGETS.slice(0, 1))
    // Looked for first: whoever lacks it learns of it before the other tests have run.
    const chromePath = parts.some((part) => part.name === 'browser') ? await chromium() : undefined
    for (const part of parts) {
      if (part.name === 'browser' && chromePath == null) {
        total.failed++
        continue
      }
      const result = await runPart(part, filters, folder, chromePath)
      total.passed += result.passed
      total.failed += result.failed
      if (interrupted.signal.aborted) break
    }
    if (total.passed + total.failed === 0) {
      total.failed = 1
      say(`No test matches ${filters.join(' ')}.`)
    }
  } catch (error) {
    total.failed++
    say(error instanceof Problem ? error.message : String(error instanceof Error ? error.stack : error))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return total
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort())

const { passed, failed } = await main(process.argv.slice(2))
process.exitCode = failed === 0 && !interrupted.signal.aborted ? 0 : 1
say(`\n${passed} passed, ${failed} failed`)
