import { request, type OutgoingHttpHeaders } from 'node:http'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createShim, type Shim } from './index.ts'

let open: Shim
let locked: Shim

function create(apiKey?: string): Shim {
  return createShim({
    consumer: {
      ask: () => {
        throw new Error('nothing here is to be answered')
      }
    },
    models: async () => [],
    relays: () => [],
    apiKey,
    log: pino({ level: 'silent' })
  })
}

beforeAll(async () => {
  open = create()
  await open.listen(0)
  locked = create('s3cret')
  await locked.listen(0)
})

afterAll(async () => {
  await open.close()
  await locked.close()
})

interface Reply {
  status?: number
  headers: NodeJS.Dict<string | string[]>
  body: string
}

/** `fetch` sets Host and the Sec- headers itself. */
async function get(shim: Shim, path: string, headers: OutgoingHttpHeaders = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(shim.url ?? '')
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
    sent.on('error', reject).end()
  })
}

function port(): string {
  return new URL(open.url ?? '').port
}

describe('Host', () => {
  it.each(['127.0.0.1', 'localhost', 'LocalHost', '[::1]'])('may be %s with the port', async (host) => {
    expect((await get(open, '/v1/models', { host: `${host}:${port()}` })).status).toBe(200)
  })

  it.each([
    // DNS rebinding
    () => `evil.example:${port()}`,
    () => `127.0.0.1.evil.example:${port()}`,
    () => `evil.example`,
    // another server of this machine
    () => '127.0.0.1:1',
    () => 'localhost'
  ])('may not be another name or port', async (host) => {
    for (const path of ['/v1/models', '/health', '/bootstrap.json', '/']) {
      const { status, body } = await get(open, path, { host: host() })
      expect(status).toBe(403)
      expect(JSON.parse(body)).toMatchObject({ error: { code: 'forbidden_host' } })
    }
  })
})

describe('Origin', () => {
  it('may be the app itself', async () => {
    const host = `localhost:${port()}`
    expect((await get(open, '/v1/models', { host, origin: `http://${host}` })).status).toBe(200)
  })

  it.each([
    () => 'https://evil.example',
    () => 'null',
    () => 'http://localhost',
    () => `https://127.0.0.1:${port()}`,
    // this machine, but another origin than the one that was asked
    () => `http://localhost:${port()}`,
    () => 'http://127.0.0.1:3000'
  ])('may be no other one, also to find out what is allowed', async (origin) => {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { status, headers } = await get(
        open,
        '/v1/chat/completions',
        { host: `127.0.0.1:${port()}`, origin: origin(), 'access-control-request-method': 'POST' },
        method
      )
      expect(status).toBe(403)
      expect(headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  it.each(['cross-site', 'same-site'])('is not needed to see that a page is %s', async (site) => {
    expect((await get(open, '/v1/models', { 'sec-fetch-site': site })).status).toBe(403)
    // a link to the app is no attack
    expect((await get(open, '/health', { 'sec-fetch-site': site })).status).toBe(200)
  })

  it.each(['same-origin', 'none'])('is no matter where the page is %s', async (site) => {
    expect((await get(open, '/v1/models', { 'sec-fetch-site': site })).status).toBe(200)
  })

  it('of a reply keeps other pages from embedding it', async () => {
    const { headers } = await get(open, '/v1/models')
    expect(headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff'
    })
  })
})

describe('a WebSocket', () => {
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='
  }

  it('of another origin, of a rebound name, or without the key is not opened', async () => {
    const origin = await get(open, '/ws/generate', { ...upgrade, origin: 'https://evil.example' })
    expect(origin.status).toBe(403)
    const host = await get(open, '/ws/generate', { ...upgrade, host: `evil.example:${port()}` })
    expect(host.status).toBe(403)
    const key = await get(locked, '/ws/generate', { ...upgrade, 'sec-websocket-protocol': 'shard-api-key.Z3Vlc3M' })
    expect(key.status).toBe(401)
  })
})

describe('a bearer key', () => {
  it.each(['Bearer s3cret', 'bearer s3cret'])('opens the API: %s', async (authorization) => {
    expect((await get(locked, '/v1/models', { authorization })).status).toBe(200)
  })

  it.each(['Bearer s3cre', 'Bearer s3cretx', 'Bearer ', 'Basic s3cret', 's3cret', ''])(
    'has to be right, not %o',
    async (authorization) => {
      const { status, body } = await get(locked, '/v1/models', { authorization })
      expect(status).toBe(401)
      expect(JSON.parse(body)).toMatchObject({ error: { code: 'invalid_api_key' } })
    }
  )

  it.each(['/v1/models', '/v1/models/x', '/%76%31/models', '/v1/%6dodels'])('is asked for at %s', async (path) => {
    expect((await get(locked, path)).status).toBe(401)
  })

  it.each(['/V1/models', '//v1/models', '/v1/../v1/models', '/v1/models?x=/../'])(
    'is not to be got around at %s',
    async (path) => {
      const { status, body } = await get(locked, path)
      expect([401, 404]).toContain(status)
      expect(JSON.parse(body)).toHaveProperty('error')
    }
  )

  it('is not asked for by the rest', async () => {
    expect((await get(locked, '/health')).status).toBe(200)
  })
})
