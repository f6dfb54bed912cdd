import { connect, type Socket } from 'node:net'
import { CID } from 'multiformats/cid'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createShim, type Shim } from './index.ts'

const REQUEST_TIMEOUT = 300

let shim: Shim
let port: number
let log: string[]

beforeEach(async () => {
  log = []
  shim = createShim({
    consumer: {
      ask: () => {
        throw new Error('nothing here is to be answered')
      }
    },
    models: async () => [
      { cid: CID.parse('bafyreif4o2mszkebteui3ljoc5lv6obpktoxitt3u6lfx6fhghpp573lae'), name: 'tiny', shards: 1 }
    ],
    relays: () => [],
    apiKey: 's3cret',
    requestTimeout: REQUEST_TIMEOUT,
    log: pino({ level: 'warn' }, { write: (line: string) => void log.push(line) })
  })
  port = Number(new URL(await shim.listen(0)).port)
})

afterEach(async () => {
  await shim.close()
})

/** What the server says before it closes the connection. */
async function talk(act: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let heard = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (heard += chunk))
    socket.on('close', () => resolve(heard))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') {
        reject(error)
      }
    })
    act(socket)
  })
}

function head(lines: string[], host = `127.0.0.1:${port}`): string {
  return ['POST /v1/completions HTTP/1.1', `Host: ${host}`, 'Authorization: Bearer s3cret', ...lines, '', ''].join(
    '\r\n'
  )
}

async function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/v1/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer s3cret', 'content-type': 'application/json', ...headers },
    body
  })
}

describe('a slow client', () => {
  it('loses its connection in the middle of the headers', async () => {
    expect(await talk((socket) => socket.write('POST /v1/completions HTTP/1.1\r\nHost: '))).toMatch(/^HTTP\/1.1 408 /)
  })

  it('loses its connection in the middle of the body', async () => {
    const heard = await talk((socket) => {
      socket.write(head(['Content-Type: application/json', 'Content-Length: 1000']))
      const drip = setInterval(() => socket.write(' '), REQUEST_TIMEOUT / 10)
      socket.on('close', () => clearInterval(drip))
    })
    expect(heard).toMatch(/^HTTP\/1.1 408 /)
  })
})

describe('a request that means harm', () => {
  it.each<[string, string[]]>([
    ['two lengths', ['Content-Length: 2', 'Content-Length: 3']],
    ['a length and chunks', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
    ['no header at all', ['\u0000']],
    ['headers without end', [`X-Long: ${'x'.repeat(64 * 1024)}`]]
  ])('with %s is refused', async (_what, lines) => {
    expect(await talk((socket) => socket.write(head(lines)))).toMatch(/^HTTP\/1.1 4\d\d /)
  })

  it('with two hosts is refused', async () => {
    const heard = await talk((socket) => socket.end(head([`Host: evil.example`, 'Connection: close'])))
    expect(heard).toMatch(/^HTTP\/1.1 4\d\d /)
  })

  it.each([
    ['{"__proto__": {"model": "tiny"}}', 400],
    ['{"constructor": {"prototype": {"x": 1}}}', 400],
    ['{"model": "tiny", "prompt": "a"', 400],
    ['[]', 400],
    ['', 400],
    ['"\ud800"', 400],
    ['['.repeat(100_000), 400],
    [`"${'x'.repeat(5 * 1024 * 1024)}"`, 413]
  ])('of bad JSON is refused: %.30s', async (body, status) => {
    const response = await post(body)
    expect(response.status).toBe(status)
    const text = await response.text()
    expect(JSON.parse(text)).toMatchObject({ error: { type: 'invalid_request_error' } })
    expect(text).not.toMatch(/\bat .*\.(ts|js):\d+/)
  })

  it.each([{ 'content-type': 'text/plain' }, { 'content-type': 'application/x-www-form-urlencoded' }])(
    'that a page could send without asking (%o) is refused',
    async (headers) => {
      expect((await post('{"model":"tiny","prompt":"a"}', headers)).status).toBe(415)
    }
  )
})

describe('whoever guesses', () => {
  it('learns nothing, and is in the log without the guess', async () => {
    for (const authorization of ['Bearer guess1', 'Bearer s3cre', 'Basic s3cret']) {
      expect((await post('{}', { authorization })).status).toBe(401)
    }
    expect(log).toHaveLength(3)
    expect(log.join('')).toContain('invalid_api_key')
    expect(log.join('')).not.toMatch(/guess1|s3cre/)
  })

  it('of another origin is in the log too', async () => {
    await post('{}', { origin: 'https://evil.example' })
    expect(log.join('')).toContain('forbidden_origin')
  })
})
