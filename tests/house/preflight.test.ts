import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkMemory, checkModels, choosePort, LEAST_MEMORY } from '../../scripts/lib/preflight.ts'
import { parseStartOptions } from '../../scripts/lib/start-options.ts'

describe('checkMemory', () => {
  it('takes 1 GiB and refuses less, with both figures', () => {
    expect(() => checkMemory(LEAST_MEMORY)).not.toThrow()
    expect(() => checkMemory(512 * 1024 ** 2)).toThrow('needs 1 GiB of free memory, and 512 MiB are free')
  })
})

describe('checkModels', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shard-models-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  it('takes the models of this repository', async () => {
    await expect(checkModels(join(import.meta.dirname, '../../models'))).resolves.toBeUndefined()
  })

  it('says how to restore models where there are none, or no folder', async () => {
    await mkdir(join(folder, 'empty'))
    await expect(checkModels(join(folder, 'empty'))).rejects.toThrow(/no model .* Restore it with "git checkout/)
    await expect(checkModels(join(folder, 'missing'))).rejects.toThrow(/no model/)
  })

  it.each([
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n',
      /pointer.*git lfs pull/
    ],
    ['another file', 'PK', /is not a GGUF file/],
    ['an empty file', '', /is not a GGUF file/]
  ])('refuses %s beside a good one', async (_name, content, message) => {
    await writeFile(join(folder, 'a.gguf'), 'GGUF and more')
    await writeFile(join(folder, 'b.gguf'), content)
    await expect(checkModels(folder)).rejects.toThrow(message)
    await expect(checkModels(folder)).rejects.toThrow('models/b.gguf')
  })
})

describe('choosePort', () => {
  let server: Server
  let taken: number

  beforeEach(async () => {
    server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address !== 'object' || address == null) throw new Error('no address')
    taken = address.port
  })

  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve))
  })

  it('refuses a taken port with a command that works', async () => {
    await expect(choosePort(taken, false)).rejects.toThrow(
      new RegExp(`^Port ${taken} is taken by another program .*npm start -- --port \\d+$`)
    )
  })

  it('takes another one where any will do, and the same one once it is free', async () => {
    const other = await choosePort(taken, true)
    expect(other).not.toBe(taken)
    await new Promise((resolve) => server.close(resolve))
    expect(await choosePort(taken, false)).toBe(taken)
  })
})

describe('parseStartOptions', () => {
  it('knows its defaults', () => {
    expect(parseStartOptions([])).toEqual({
      port: 9091,
      portChosen: false,
      data: undefined,
      ask: undefined,
      help: false
    })
  })

  it('takes a question with dashes and quotes as it is', () => {
    const ask = `What's "--port"? -- really`
    expect(parseStartOptions(['--ask', ask, '--port', '8000', '--data', 'd'])).toEqual({
      port: 8000,
      portChosen: true,
      data: 'd',
      ask,
      help: false
    })
  })

  it.each([
    [['--port', '0'], /--port takes a number from 1 to 65535, not "0"/],
    [['--port', '65536'], /not "65536"/],
    [['--port', '1e3'], /not "1e3"/],
    [['--ask', '  '], /--ask needs a value/],
    [['--ask'], /--ask[^]*npm start -- \[options\]/],
    [['--colour'], /--colour[^]*npm start -- \[options\]/],
    [['question'], /question[^]*npm start -- \[options\]/]
  ])('refuses %j', (args, message) => {
    expect(() => parseStartOptions(args)).toThrow(message)
  })
})
