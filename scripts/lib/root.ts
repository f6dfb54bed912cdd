import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * The JavaScript file behind a package's command. Running it with this Node works on every platform, where the
 * wrappers in node_modules/.bin need a shell on Windows.
 */
export function commandFile(packageName: string, command = packageName): string {
  const require = createRequire(join(ROOT, 'package.json'))
  const folder = require.resolve
    .paths(packageName)
    ?.map((modules) => join(modules, packageName))
    .find((candidate) => readJson(join(candidate, 'package.json')) != null)
  const bin = folder == null ? undefined : readJson(join(folder, 'package.json'))?.bin
  const file = typeof bin === 'string' ? bin : bin?.[command]
  if (folder == null || file == null) throw new Error(`The package ${packageName} has no command ${command}`)
  return join(folder, file)
}

function readJson(file: string): { bin?: string | Record<string, string> } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { bin?: string | Record<string, string> }
  } catch {
    return undefined
  }
}
