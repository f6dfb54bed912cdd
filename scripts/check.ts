// `npm run check`: everything that can be said about the code without running it. All steps run, whatever the
// others find, so that one run shows all there is to repair. `npm run check -- eslint knip` runs those only, and
// what they need.

import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { runCommand, type CommandResult } from './lib/command.ts'
import { commandFile, ROOT } from './lib/root.ts'

interface Step {
  name: string
  /** Steps that must have ended first, well or not. */
  after?: string[]
  run(): Promise<CommandResult>
}

/** Ten times what the slowest step takes on 2 cores; past it something hangs. */
const STEP_TIMEOUT = 300_000

const interrupted = new AbortController()

const tool =
  (packageName: string, command: string, ...args: string[]) =>
  () =>
    runCommand(process.execPath, [commandFile(packageName, command), ...args], {
      cwd: ROOT,
      output: 'collect',
      timeout: STEP_TIMEOUT,
      signal: interrupted.signal
    })

const steps: Step[] = [
  // The packages find each other's types in dist, so their type check is their build.
  { name: 'tsc packages', run: tool('typescript', 'tsc', '-b', 'protocol', 'relay', 'node-shard') },
  { name: 'svelte-kit sync', run: tool('@sveltejs/kit', 'svelte-kit', 'sync') },
  { name: 'prettier', run: tool('prettier', 'prettier', '--check', '--log-level=warn', '.') },
  { name: 'protos', run: checkProtos },
  {
    name: 'eslint',
    after: ['tsc packages', 'svelte-kit sync'],
    run: tool('eslint', 'eslint', '--max-warnings=0', '.')
  },
  {
    name: 'svelte-check',
    after: ['tsc packages', 'svelte-kit sync'],
    run: tool('svelte-check', 'svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings')
  },
  { name: 'tsc tests', after: ['tsc packages'], run: tool('typescript', 'tsc', '-p', 'tsconfig.tests.json') },
  { name: 'tsc scripts', run: tool('typescript', 'tsc', '-p', 'scripts') },
  {
    name: 'arrows',
    after: ['tsc packages', 'svelte-kit sync'],
    run: tool(
      'dependency-cruiser',
      'depcruise',
      '--config=.dependency-cruiser.cjs',
      ...['protocol', 'relay', 'node-shard', 'src', 'scripts', 'tests', 'bench'].filter((name) =>
        existsSync(join(ROOT, name))
      )
    )
  },
  { name: 'knip', after: ['svelte-kit sync'], run: tool('knip', 'knip', '--no-progress', '--no-config-hints') }
]

/** Regenerates the messages into a folder of its own and compares: what is committed must be what the .proto says. */
async function checkProtos(): Promise<CommandResult> {
  const folder = join(ROOT, 'protocol', 'src', 'pb')
  const fresh = await mkdtemp(join(ROOT, 'node_modules', '.pb-'))
  try {
    const protos = (await readdir(folder)).filter((name) => name.endsWith('.proto'))
    const args = ['--output', fresh, ...protos.map((name) => join(folder, name))]
    const result = await tool('protons', 'protons', ...args)()
    if (result.code !== 0) return result
    const names = new Set([
      ...(await readdir(fresh)),
      ...(await readdir(folder)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    ])
    const stale: string[] = []
    for (const name of [...names].sort()) {
      const [made, committed] = await Promise.all([read(join(fresh, name)), read(join(folder, name))])
      if (made !== committed) stale.push(`protocol/src/pb/${name}`)
    }
    if (stale.length === 0) return { code: 0, output: '' }
    return {
      code: 1,
      output: `${stale.join('\n')}\nNot what the .proto files say. Run "npm run build:protos" and commit the result.`
    }
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Lets at most `slots` tasks run at a time, in the order in which they came. */
function limiter(slots: number): <T>(task: () => Promise<T>) => Promise<T> {
  const queue: Array<() => void> = []
  let free = slots
  return async (task) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => queue.push(resolve))
    try {
      return await task()
    } finally {
      const next = queue.shift()
      if (next == null) free++
      else next()
    }
  }
}

/** @returns true if the step found nothing to complain of */
async function report(step: Step): Promise<boolean> {
  const start = performance.now()
  const { code, output } = await step.run()
  if (interrupted.signal.aborted) return false
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const text = output.trim().replace(/^(?=.)/gm, '    ')
  process.stdout.write(code === 0 ? `✓ ${step.name} (${seconds} s)\n` : `✗ ${step.name} (${seconds} s)\n${text}\n`)
  return code === 0
}

async function main(wanted: readonly string[]): Promise<number> {
  const names = steps.map((step) => step.name)
  const unknown = wanted.find((name) => !names.includes(name))
  if (unknown != null) {
    process.stderr.write(`No step is called "${unknown}". There are: ${names.join(', ')}.\n`)
    return 1
  }
  // A step says nothing true without those that it comes after.
  const needed = new Set(wanted)
  for (const step of [...steps].reverse()) if (needed.has(step.name)) step.after?.forEach((name) => needed.add(name))
  const chosen = steps.filter((step) => wanted.length === 0 || needed.has(step.name))
  const start = performance.now()
  const limit = limiter(Math.max(2, Math.min(4, availableParallelism())))
  const results = new Map<string, Promise<boolean>>()
  for (const step of chosen) {
    const before = (step.after ?? []).flatMap((name) => results.get(name) ?? [])
    results.set(
      step.name,
      Promise.all(before).then(() => limit(() => report(step)))
    )
  }
  const clean = await Promise.all([...results.values()])
  const failed = chosen.filter((_, index) => clean[index] !== true).map((step) => step.name)
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  process.stdout.write(
    failed.length === 0
      ? `check: ${chosen.length} steps are clean (${seconds} s)\n`
      : `check: ${failed.length} of ${chosen.length} steps failed (${seconds} s): ${failed.join(', ')}\n`
  )
  return failed.length === 0 ? 0 : 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted.abort()
    process.exitCode = 130
  })
}
process.exitCode = (await main(process.argv.slice(2))) || process.exitCode
