import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manifestFromJson } from '@shard/protocol/model'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { catalogue, fromCatalogue } from './catalogue.ts'
import { importModel, importPair } from './import-model.ts'
import { ModelLibrary } from './library.ts'
import { webUrl } from './web-source.ts'
import type { FetchProgress } from './progress.ts'

const MODELS = fileURLToPath(new URL('../../../models/', import.meta.url))
const TARGET = join(MODELS, 'shard-tiny-q4_0.gguf')
const DRAFT = join(MODELS, 'shard-tiny-draft-q8_0.gguf')
const COMMIT = '0123456789abcdef0123456789abcdef01234567'
const timing = { stall: 1_000, search: 1_500, look: 50, overdue: 100 }

let data: string
let library: ModelLibrary
let hub: Awaited<ReturnType<typeof startHub>>

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'shard-import-'))
  library = new ModelLibrary(data)
  hub = await startHub({ 'target.gguf': await readFile(TARGET), 'draft.gguf': await readFile(DRAFT), 'page.gguf': Buffer.from('<html>') })
  vi.stubEnv('HF_ENDPOINT', hub.url)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.stop()
  await rm(data, { recursive: true })
})

/** Behaves as the hub does: HEAD says who the file is and redirects; the bytes are elsewhere, and given by range. */
async function startHub(files: Record<string, Buffer>) {
  const requests: string[] = []
  const state = { cutAfter: Infinity, version: 1 }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://hub')
    requests.push(`${request.method ?? ''} ${url.pathname} ${request.headers.range ?? ''}`.trim())
    const [, place, name = ''] = /^\/(owner\/repo\/resolve\/main|cdn)\/([\w.]+)$/.exec(url.pathname) ?? []
    const file = files[name]
    if (place == null || file == null) {
      response.writeHead(404).end()
    } else if (place !== 'cdn') {
      response.writeHead(302, { Location: `/cdn/${name}`, 'X-Repo-Commit': COMMIT, 'X-Linked-Size': file.byteLength }).end()
    } else {
      give(response, file, request.method, request.headers.range)
    }
  })
  const give = (response: ServerResponse, file: Buffer, method = 'GET', range = ''): void => {
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? []
    const part = file.subarray(Number(from), to === '' ? undefined : Number(to) + 1)
    const headers = { 'Content-Length': part.byteLength, ETag: `"${state.version}"` }
    response.writeHead(range === '' ? 200 : 206, headers)
    if (method === 'HEAD') {
      response.end()
    } else if (part.byteLength > state.cutAfter) {
      response.write(part.subarray(0, state.cutAfter), () => response.destroy())
    } else {
      response.end(part)
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    requests,
    state,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

const ofHub = (name: string): string => `hf:owner/repo/${name}`

describe('importModel', () => {
  it('makes the same model of the hub’s files as of those of the disk', async () => {
    const progress: FetchProgress[] = []
    const wish = { target: ofHub('target.gguf'), draft: ofHub('draft.gguf'), name: 'pair' }
    const model = await importModel(wish, library, { timing, onProgress: (now) => progress.push(now) })
    const embedded = manifestFromJson(JSON.parse(await readFile(join(MODELS, 'shard-tiny.json'), 'utf8')))
    expect(model).toMatchObject({ complete: true, imported: false })
    expect(model.manifest.target.cid.toString()).toBe(embedded.target.cid.toString())
    expect(model.manifest.drafts[0]?.cid.toString()).toBe(embedded.drafts[0]?.cid.toString())
    const hash = async (path: string) => createHash('sha256').update(await readFile(path)).digest('hex')
    expect(await hash(model.targetPath ?? '')).toBe(await hash(TARGET))
    expect(progress.at(-1)).toMatchObject({ what: 'draft', bytes: 5_643_456, total: 5_643_456 })
    // only https is worth telling others
    expect(model.manifest.target.origins).toBeUndefined()
    expect(await readdir(join(library.dir, 'partial'))).toEqual([])
  })

  it('tells others which revision it was', async () => {
    const origin = 'https://hub.example.org'
    vi.stubEnv('HF_ENDPOINT', origin)
    const redirected = async (url: string, init: RequestInit) => fetch(url.replace(origin, hub.url), init)
    const model = await importModel({ target: ofHub('draft.gguf') }, library, { timing, fetch: redirected })
    expect(model.manifest.target.origins).toEqual([`${origin}/owner/repo/resolve/${COMMIT}/draft.gguf`])
  })

  it('goes on where it stopped', async () => {
    hub.state.cutAfter = 4_000_000
    const stop = new AbortController()
    const onProgress = ({ bytes }: FetchProgress): void => {
      if (bytes > 8_000_000) {
        stop.abort(new Error('Ctrl-C'))
      }
    }
    const wish = { target: ofHub('target.gguf') }
    await expect(importModel(wish, library, { timing, onProgress, signal: stop.signal })).rejects.toThrow('Ctrl-C')
    expect(await library.list()).toEqual([])
    hub.state.cutAfter = Infinity
    hub.requests.length = 0
    expect(await importModel(wish, library, { timing })).toMatchObject({ complete: true })
    const [, from] = /bytes=(\d+)-/.exec(hub.requests.find((request) => request.startsWith('GET /cdn')) ?? '') ?? []
    // redirects are followed by fetch, so the first GET is the hub's
    const start = Number(from ?? /bytes=(\d+)-/.exec(hub.requests.join(' '))?.[1])
    expect(start).toBeGreaterThanOrEqual(8_000_000)
  })

  it('starts over when the file has changed meanwhile', async () => {
    hub.state.cutAfter = 1_000_000
    const stop = new AbortController()
    const options = { timing, onProgress: () => stop.abort(new Error('Ctrl-C')), signal: stop.signal }
    await expect(importModel({ target: ofHub('target.gguf') }, library, options)).rejects.toThrow('Ctrl-C')
    hub.state.cutAfter = Infinity
    hub.state.version = 2
    hub.requests.length = 0
    expect(await importModel({ target: ofHub('target.gguf') }, library, { timing })).toMatchObject({ complete: true })
    expect(hub.requests.filter((request) => request.startsWith('GET')).every((request) => request.includes('bytes=0-'))).toBe(true)
  })

  it('leaves files of the disk where they are', async () => {
    const model = await importModel({ target: TARGET, draft: DRAFT, name: 'mine' }, library)
    expect(model).toMatchObject({ imported: true, bytes: 0, targetPath: TARGET, draftPath: DRAFT })
    expect(await library.remove(model)).toBe(0)
    expect((await readFile(TARGET)).byteLength).toBe(24_691_040)
    expect(await library.list()).toEqual([])
  })

  it('keeps a file that another model uses too', async () => {
    const both = await importModel({ target: ofHub('target.gguf'), draft: ofHub('draft.gguf') }, library, { timing })
    const one = await importModel({ target: ofHub('target.gguf'), name: 'alone' }, library, { timing })
    expect(await library.remove(both)).toBeGreaterThan(5_000_000)
    expect(await library.find('alone')).toMatchObject({ complete: true, cid: one.cid })
    expect(await library.remove(one)).toBe(24_691_040)
  })

  it.each([
    ['a file that is not there', ofHub('none.gguf'), { code: 'BAD_ORIGIN', message: expect.stringContaining('no such file') as string }],
    ['a page instead of a model', ofHub('page.gguf'), { code: 'NOT_A_MODEL' }],
    ['no file of the hub', 'hf:owner/repo', { code: 'BAD_ORIGIN' }],
    ['an address without TLS', 'http://models.example.org/a.gguf', { code: 'BAD_ORIGIN' }]
  ])('says so about %s', async (_, target, error) => {
    await expect(importModel({ target }, library, { timing })).rejects.toMatchObject(error)
    expect(await library.list()).toEqual([])
  })
})

describe('importPair', () => {
  it('does without a draft that does not fit', async () => {
    const bytes = await readFile(DRAFT)
    // another token of the vocabulary: the same length, another tokenizer
    const at = bytes.indexOf('<|im_start|>')
    bytes.write('<|im_stort|>', at)
    await hub.stop()
    hub = await startHub({ 'target.gguf': await readFile(TARGET), 'other.gguf': bytes })
    vi.stubEnv('HF_ENDPOINT', hub.url)
    const notes: string[] = []
    const wish = { target: ofHub('target.gguf'), draft: ofHub('other.gguf') }
    const model = await importPair(wish, library, { timing, onNote: (note) => notes.push(note) })
    expect(model.manifest.drafts).toEqual([])
    expect(notes).toHaveLength(1)
  })
})

describe('catalogue', () => {
  it('begins with the embedded pair, and each entry leads somewhere', async () => {
    const [first, ...others] = await catalogue()
    expect(first?.manifest?.toString()).toBe('bafyreif4o2mszkebteui3ljoc5lv6obpktoxitt3u6lfx6fhghpp573lae')
    for (const { target, draft } of others) {
      for (const source of [target, draft].filter((text) => text != null)) {
        expect(webUrl(source, 'https://huggingface.co')).toMatch(
          /^https:\/\/huggingface\.co\/[\w.-]+\/[\w.-]+\/resolve\/main\/[\w.-]+\.gguf$/
        )
      }
    }
    expect(await fromCatalogue('Qwen3-8B')).toMatchObject({ license: 'Apache-2.0' })
    expect(await fromCatalogue('nothing')).toBeUndefined()
  })
})
