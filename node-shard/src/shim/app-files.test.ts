import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServer } from './server.ts'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'

const PAGE = '<!doctype html><title>Shard</title>'

let folder: string
let app: string
let server: FastifyInstance

async function create(appDir: string): Promise<FastifyInstance> {
  return createServer(
    {
      consumer: {
        ask: () => {
          throw new Error('nothing here is to be answered')
        }
      },
      models: async () => [],
      relays: () => ['/ip4/127.0.0.1/tcp/1/ws'],
      appDir,
      log: pino({ level: 'silent' })
    },
    new AbortController().signal
  )
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shard-app-'))
  app = join(folder, 'build')
  await mkdir(join(app, '_app', 'immutable'), { recursive: true })
  await writeFile(join(folder, 'secret.txt'), 'not for pages')
  await writeFile(join(app, 'index.html'), PAGE)
  await writeFile(join(app, '.env'), 'KEY=1')
  await writeFile(join(app, 'service-worker.js'), '// worker')
  await writeFile(join(app, 'bootstrap.json'), '{"relays":["/built/in"]}')
  await writeFile(join(app, '_app', 'immutable', 'start.abc.js'), 'export {}')
  await writeFile(join(app, '_app', 'immutable', 'engine.abc.wasm'), Buffer.of(0, 97, 115, 109))
  server = await create(app)
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

async function get(url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
  return server.inject({ url, headers })
}

const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-mode': 'navigate' }
const isolated = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin'
}

describe('the web app', () => {
  it('is an isolated page that no other page frames, and never an old one', async () => {
    for (const url of ['/', '/index.html']) {
      const { statusCode, headers, body } = await get(url, navigation)
      expect(statusCode).toBe(200)
      expect(body).toBe(PAGE)
      expect(headers).toMatchObject({
        ...isolated,
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'content-security-policy': "frame-ancestors 'none'"
      })
    }
  })

  it('has files that never change, and some that do', async () => {
    const script = await get('/_app/immutable/start.abc.js')
    expect(script.headers).toMatchObject({ ...isolated, 'cache-control': 'public, max-age=31536000, immutable' })
    expect(script.headers['content-type']).toMatch(/javascript/)
    const engine = await get('/_app/immutable/engine.abc.wasm')
    expect(engine.headers['content-type']).toBe('application/wasm')
    const worker = await get('/service-worker.js')
    expect(worker.headers).toMatchObject({ ...isolated, 'cache-control': 'no-cache' })
  })

  it('is not sent again to a browser that has it', async () => {
    const { headers } = await get('/', navigation)
    const again = await get('/', { ...navigation, 'if-none-match': String(headers.etag) })
    expect(again.statusCode).toBe(304)
    expect(again.headers).toMatchObject(isolated)
  })

  it.each(['/contribute', '/chat/abc?x=1'])('is the page at its address %s', async (url) => {
    const { statusCode, headers, body } = await get(url, navigation)
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: PAGE })
    expect(headers).toMatchObject({ ...isolated, 'cache-control': 'no-cache' })
  })

  it.each([
    ['a script', '/contribute.js', { accept: '*/*', 'sec-fetch-mode': 'no-cors' }],
    ['a request of a program', '/contribute', { accept: 'application/json' }],
    ['a hashed file of another version', '/_app/immutable/old.js', navigation],
    ['an address of the API', '/v1/nothing', navigation]
  ])('is not the page for %s', async (_what, url, headers) => {
    const { statusCode, body } = await get(url, headers)
    expect(statusCode).toBe(404)
    expect(JSON.parse(body)).toHaveProperty('error')
  })

  it.each(['/../secret.txt', '/..%2fsecret.txt', '/_app/../../secret.txt', '/%2e%2e/secret.txt', '/.env'])(
    'has nothing at %s',
    async (url) => {
      const { statusCode, body } = await get(url)
      expect(statusCode).toBeGreaterThanOrEqual(400)
      expect(body).not.toMatch(/not for pages|KEY/)
    }
  )

  it('learns the relays of this Shard, not those it was built with', async () => {
    const { headers, body } = await get('/bootstrap.json')
    expect(JSON.parse(body)).toEqual({ relays: ['/ip4/127.0.0.1/tcp/1/ws'] })
    expect(headers['cache-control']).toBe('no-store')
  })

  it('prefers the page that is made for all addresses', async () => {
    await writeFile(join(app, '200.html'), 'fallback')
    const second = await create(app)
    expect((await second.inject({ url: '/contribute', headers: navigation })).body).toBe('fallback')
    expect((await second.inject({ url: '/', headers: navigation })).body).toBe(PAGE)
    await second.close()
    await rm(join(app, '200.html'))
  })

  it('has to be built', async () => {
    for (const wrong of [folder, join(folder, 'none')]) {
      await expect(create(wrong)).rejects.toMatchObject({ name: 'ShimError', code: 'NO_APP' })
    }
  })
})

describe('without a web app', () => {
  it('there is only the API', async () => {
    const second = await createServer(
      {
        consumer: { ask: () => expect.unreachable('nothing was asked') },
        models: async () => [],
        relays: () => [],
        log: pino({ level: 'silent' })
      },
      new AbortController().signal
    )
    expect((await second.inject({ url: '/', headers: navigation })).statusCode).toBe(404)
    expect((await second.inject({ url: '/v1/models' })).json()).toEqual({ object: 'list', data: [] })
    await second.close()
  })
})
