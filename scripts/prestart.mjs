// Runs before `npm start`: installs and builds what is missing or stale, and is silent where nothing is.
// Plain JavaScript without a dependency, because it runs before there is any.

import { fileURLToPath } from 'node:url'
import { checkVersions, ensureBuilt, ensureInstalled, Problem } from './lib/fresh.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** @param {string} line */
const say = (line) => {
  process.stderr.write(`${line}\n`)
}

try {
  checkVersions(process.versions.node, process.env.npm_config_user_agent)
  ensureInstalled(root, say)
  ensureBuilt(root, say)
} catch (error) {
  say(error instanceof Problem ? error.message : String(error instanceof Error ? error.stack : error))
  process.exit(1)
}
