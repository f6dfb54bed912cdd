import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkVersions, ensureBuilt, ensureInstalled, isBuilt, isInstalled } from '../../scripts/lib/fresh.mjs'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'shard-fresh-'))
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

async function write(file: string, content: string | object): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true })
  await writeFile(join(root, file), typeof content === 'string' ? content : JSON.stringify(content))
}

describe('checkVersions', () => {
  it.each(['20.0.0', '24.21.0'])('takes Node %s', (node) => {
    expect(() => checkVersions(node, 'npm/10.0.0 node/v20.0.0 linux x64')).not.toThrow()
  })

  it('takes a run without npm', () => {
    expect(() => checkVersions('20.0.0', undefined)).not.toThrow()
  })

  it('says what to do about an old Node', () => {
    expect(() => checkVersions('18.20.4', undefined)).toThrow(
      /needs Node 20 or newer, and this is Node 18\.20\.4\. Install/
    )
  })

  it('says what to do about an old npm', () => {
    expect(() => checkVersions('20.0.0', 'npm/9.9.4 node/v20.0.0')).toThrow(
      /this is npm 9\.9\.4\. Run "npm install -g npm/
    )
  })
})

describe('isInstalled', () => {
  const locked = {
    packages: {
      '': { name: 'root' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/here': { version: '1.0.0', optional: true },
      'node_modules/elsewhere': { version: '1.0.0', optional: true },
      'node_modules/@shard/part': { resolved: 'part', link: true },
      part: { version: '0.1.0' }
    }
  }
  const installed = (versions: Record<string, string>) => ({
    packages: {
      ...Object.fromEntries(Object.entries(versions).map(([name, version]) => [`node_modules/${name}`, { version }])),
      'node_modules/@shard/part': { resolved: 'part', link: true }
    }
  })

  it.each([
    ['the same versions, without a package of another platform', { a: '1.0.0', here: '1.0.0' }, true],
    ['another version', { a: '1.0.1', here: '1.0.0' }, false],
    ['another version of an optional package', { a: '1.0.0', here: '0.9.0' }, false],
    ['a missing package', { here: '1.0.0' }, false]
  ])('is right about %s', async (_name, versions, expected) => {
    await write('package-lock.json', locked)
    await write('node_modules/.package-lock.json', installed(versions))
    expect(isInstalled(root)).toBe(expected)
  })

  it('is false where node_modules is missing or its list is cut short', async () => {
    await write('package-lock.json', locked)
    expect(isInstalled(root)).toBe(false)
    await write('node_modules/.package-lock.json', '{"packages": {')
    expect(isInstalled(root)).toBe(false)
  })
})

describe('ensureInstalled', () => {
  it('ends with what to do where npm fails, after npm’s own words', async () => {
    await write('package.json', { name: 'x', version: '1.0.0', dependencies: { missing: 'file:./nowhere' } })
    expect(() => ensureInstalled(root, () => undefined)).toThrow(
      /npm error[^]*could not be installed; npm says why above\. Check/
    )
  })
})

describe('ensureBuilt', () => {
  const target = {
    name: 'the copy',
    script: 'copy',
    sources: ['in', 'also.json'],
    outputs: ['out'],
    proofs: ['out/a.txt']
  }
  const say = vi.fn<(line: string) => void>()
  const build = () => ensureBuilt(root, say, [target])

  beforeEach(async () => {
    say.mockClear()
    await write('package.json', {
      name: 'x',
      scripts: { copy: `node -e "fs.mkdirSync('out',{recursive:true});fs.copyFileSync('in/a.txt','out/a.txt')"` }
    })
    await write('in/a.txt', 'one')
    build()
  })

  it('builds once, and is silent while nothing changes', () => {
    expect(say.mock.calls).toEqual([['Building the copy ...']])
    build()
    expect(say).toHaveBeenCalledTimes(1)
    expect(isBuilt(root, target)).toBe(true)
  })

  it('builds again after a change, and not for a new date or a changed test', async () => {
    await utimes(join(root, 'in/a.txt'), new Date(0), new Date(0))
    await write('in/a.test.ts', 'anything')
    expect(isBuilt(root, target)).toBe(true)
    await write('in/a.txt', 'two')
    expect(isBuilt(root, target)).toBe(false)
    build()
    expect(await readFile(join(root, 'out/a.txt'), 'utf8')).toBe('two')
  })

  it.each([
    ['a new source', () => write('in/b.txt', '')],
    ['a new single source', () => write('also.json', '{}')],
    ['an output that was removed', () => rm(join(root, 'out/a.txt'))],
    ['an output that something else wrote', () => write('out/a.txt', 'longer than before')]
  ])('notices %s', async (_name, change) => {
    await change()
    expect(isBuilt(root, target)).toBe(false)
    build()
    expect(isBuilt(root, target)).toBe(true)
  })

  it('shows why a build failed, and does not take it for built', async () => {
    await rm(join(root, 'in/a.txt'))
    expect(build).toThrow(/ENOENT[^]*Building the copy failed; the reason is above/)
    expect(isBuilt(root, target)).toBe(false)
  })
})

describe('prestart.mjs', () => {
  it('needs no dependency: it tells why it fails in a folder where nothing is installed', async () => {
    await cp(join(import.meta.dirname, '../../scripts'), join(root, 'scripts'), { recursive: true })
    await write('package.json', { name: 'x', type: 'module' })
    const result = spawnSync(process.execPath, ['scripts/prestart.mjs'], { cwd: root, encoding: 'utf8' })
    expect(result.status).toBe(1)
    expect(result.stderr).toMatch(/^Installing the dependencies[^]*The dependencies could not be installed/)
    expect(result.stderr).not.toContain('prestart.mjs:')
  })
})
