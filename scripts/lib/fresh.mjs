// What must be installed or built before anything runs, and whether it still is what the sources say.
// Plain JavaScript without a dependency: it runs before anything is installed, on the Node that is there.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The oldest Node and npm that can install this repository; what runs later is the Node of the lockfile. */
const OLDEST_NODE = 20
const OLDEST_NPM = 10

/** An error whose message is a whole sentence for the person at the terminal; no stack trace is shown for it. */
export class Problem extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message)
    this.name = 'Problem'
  }
}

/**
 * @typedef {object} Target
 * @property {string} name what a progress line calls it
 * @property {string} script the npm script that builds it
 * @property {string[]} sources files and folders that it is built from
 * @property {string[]} outputs folders that the build fills
 * @property {string[]} proofs files without which it is not built
 */

/** In the order in which they are built: the app imports the built packages. @type {Target[]} */
export const TARGETS = [
  {
    name: 'the packages',
    script: 'build:packages',
    sources: [
      'protocol/src',
      'protocol/tsconfig.json',
      'relay/src',
      'relay/tsconfig.json',
      'node-shard/src',
      'node-shard/tsconfig.json',
      'tsconfig.base.json',
      'package-lock.json'
    ],
    outputs: ['protocol/dist', 'relay/dist', 'node-shard/dist'],
    proofs: ['protocol/dist/errors.js', 'relay/dist/cli.js', 'node-shard/dist/cli/index.js']
  },
  {
    name: 'the app',
    script: 'build:app',
    sources: [
      'src',
      'static',
      'vite.config.ts',
      'svelte.config.js',
      'tsconfig.json',
      'protocol/src',
      'models/package.json',
      'package.json',
      'package-lock.json'
    ],
    outputs: ['build'],
    proofs: ['build/index.html']
  }
]

/**
 * Throws a {@link Problem} where this Node or npm is too old to go on.
 *
 * @param {string} node a version such as `20.18.0`
 * @param {string | undefined} agent npm's user agent, `npm/11.6.0 node/v20.18.0 linux x64`
 */
export function checkVersions(node, agent) {
  if (Number(node.split('.')[0]) < OLDEST_NODE) {
    throw new Problem(
      `This needs Node ${OLDEST_NODE} or newer, and this is Node ${node}. Install a current one from https://nodejs.org, then run the command again.`
    )
  }
  const npm = /\bnpm\/(\d+)\.(\S+)/.exec(agent == null ? '' : agent)
  if (npm != null && Number(npm[1]) < OLDEST_NPM) {
    throw new Problem(
      `This needs npm ${OLDEST_NPM} or newer, and this is npm ${npm[1]}.${npm[2]}. Run "npm install -g npm@latest", then the command again.`
    )
  }
}

/** @typedef {{version?: string, optional?: boolean, devOptional?: boolean}} LockedPackage */

/**
 * @param {string} file
 * @returns {Map<string, LockedPackage> | undefined} the packages of a lockfile by their path; undefined if there is
 *   no lockfile that can be read
 */
function lockedPackages(file) {
  try {
    const lockfile = /** @type {{packages: Record<string, LockedPackage>}} */ (JSON.parse(readFileSync(file, 'utf8')))
    return new Map(Object.entries(lockfile.packages))
  } catch {
    return undefined
  }
}

/**
 * True if node_modules holds what package-lock.json names. npm writes what it installed to
 * node_modules/.package-lock.json; packages of other platforms are missing there, so optional ones may be.
 *
 * @param {string} root
 */
export function isInstalled(root) {
  const wanted = lockedPackages(join(root, 'package-lock.json'))
  const found = lockedPackages(join(root, 'node_modules', '.package-lock.json'))
  if (wanted == null || found == null) return false
  return [...wanted].every(([path, want]) => {
    if (!path.includes('node_modules/')) return true
    const have = found.get(path)
    if (have == null) return want.optional === true || want.devOptional === true
    return have.version === want.version
  })
}

/**
 * @param {string} root
 * @param {string} path a file or folder; one that does not exist has no files
 * @returns {string[]} every file in it, relative to root, in a stable order
 */
function filesIn(root, path) {
  const stat = statSync(join(root, path), { throwIfNoEntry: false })
  if (stat == null) return []
  if (!stat.isDirectory()) return [path]
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesIn(root, `${path}/${name}`))
}

/** A test is not built into anything, so a changed one makes nothing stale. @param {string} file */
const isSource = (file) => !/\.(test|spec)\.ts$/.test(file)

/**
 * @param {string} root
 * @param {Target} target
 * @returns {string} changes when the content of a source does; a checkout that restores old content changes nothing
 */
function sourcesMark(root, target) {
  const hash = createHash('sha256')
  for (const file of target.sources.flatMap((path) => filesIn(root, path)).filter(isSource)) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex')
}

/**
 * @param {string} root
 * @param {Target} target
 * @returns {string} changes when anything wrote to the outputs, so that a build by other means is noticed
 */
function outputsMark(root, target) {
  const hash = createHash('sha256')
  for (const file of target.outputs.flatMap((path) => filesIn(root, path))) {
    if (file.endsWith('.tsbuildinfo')) continue
    const { size, mtimeMs } = statSync(join(root, file))
    hash.update(`${file}\0${size}\0${mtimeMs}\0`)
  }
  return hash.digest('hex')
}

/** @param {string} root @param {Target} target */
const stampFile = (root, target) =>
  join(root, 'node_modules', '.cache', 'shard', `${target.script.replace(/\W/g, '-')}.stamp`)

/** @param {string} root @param {Target} target */
const stampOf = (root, target) => `${sourcesMark(root, target)} ${outputsMark(root, target)}\n`

/**
 * True if the outputs are what the last build of exactly these sources left.
 *
 * @param {string} root
 * @param {Target} target
 */
export function isBuilt(root, target) {
  if (target.proofs.some((file) => !existsSync(join(root, file)))) return false
  const file = stampFile(root, target)
  return existsSync(file) && readFileSync(file, 'utf8') === stampOf(root, target)
}

/** @param {string} root @param {Target} target */
function markBuilt(root, target) {
  const file = stampFile(root, target)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, stampOf(root, target))
}

/**
 * Runs npm with the Node that runs npm now: node_modules, and the Node in it, may be about to be replaced.
 *
 * @param {string} root
 * @param {string[]} args
 * @returns {{ok: boolean, output: string}}
 */
function npm(root, args) {
  const cli = process.env.npm_execpath
  const node = process.env.npm_node_execpath || process.execPath
  /** @type {import('node:child_process').SpawnSyncOptionsWithStringEncoding} */
  const options = {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` }
  }
  const result =
    cli != null && cli.endsWith('.js')
      ? spawnSync(node, [cli, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  const output = [result.error == null ? '' : result.error.message, result.stdout, result.stderr].join('\n').trim()
  return { ok: result.status === 0, output }
}

/** @param {string} output @returns {string} the end of it, where the cause is */
const tail = (output) => output.split('\n').slice(-30).join('\n')

/**
 * Installs what is missing.
 *
 * @param {string} root
 * @param {(line: string) => void} say
 */
export function ensureInstalled(root, say) {
  if (isInstalled(root)) return
  say('Installing the dependencies (a few minutes the first time) ...')
  const { ok, output } = npm(root, ['ci', '--include=dev', '--no-fund', '--no-audit', '--loglevel=error'])
  if (ok) return
  throw new Problem(
    `${tail(output)}\n\nThe dependencies could not be installed; npm says why above. ` +
      'Check the network and the free disk space (about 1 GiB is needed), then run the command again.'
  )
}

/**
 * Builds each target whose sources are not those of its outputs.
 *
 * @param {string} root
 * @param {(line: string) => void} say
 * @param {Target[]} [targets]
 */
export function ensureBuilt(root, say, targets = TARGETS) {
  for (const target of targets) {
    if (isBuilt(root, target)) continue
    say(`Building ${target.name} ...`)
    const { ok, output } = npm(root, ['run', '--silent', target.script])
    if (!ok) {
      throw new Problem(
        `${tail(output)}\n\nBuilding ${target.name} failed; the reason is above. After a change of the code "npm run check" says more.`
      )
    }
    const missing = target.proofs.find((file) => !existsSync(join(root, file)))
    if (missing != null) throw new Problem(`"npm run ${target.script}" ended well but made no ${missing}.`)
    markBuilt(root, target)
  }
}
