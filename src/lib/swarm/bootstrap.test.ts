import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BootstrapError, loadBootstrap, parseBootstrap } from './bootstrap.ts'
import { BOOTSTRAP_MAX_ADDRESSES, BOOTSTRAP_MAX_BYTES } from './constants.ts'

const A = '12D3KooWGzBFhQzRKoXgWnGZpVKr1D8xJ6x5gqCbgNfGTyXbJwGA'
const B = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const list = (...relays: string[]): string => JSON.stringify({ relays })

function storage(initial?: string): { getItem: () => string | null; setItem: (key: string, value: string) => void } {
  let kept = initial ?? null
  return {
    getItem: () => kept,
    setItem: (_, value) => {
      kept = value
    }
  }
}

const serves =
  (body: string, status = 200): typeof fetch =>
  async () =>
    new Response(body, { status })
const fails: typeof fetch = async () => {
  throw new TypeError('Failed to fetch')
}

describe('parseBootstrap', () => {
  it('groups the addresses of a relay', () => {
    const relays = parseBootstrap(
      list(
        `/ip4/1.2.3.4/tcp/1/ws/p2p/${B}`,
        `/dns4/a.example/tcp/443/tls/ws/p2p/${B}`,
        `/ip4/1.2.3.4/tcp/2/ws/p2p/${A}`
      )
    )
    expect(relays.map(({ id, addresses }) => [id, addresses.length])).toEqual([
      [B, 2],
      [A, 1]
    ])
  })

  it('leaves out what is no address or names no peer', () => {
    const relays = parseBootstrap(list('hello', '/ip4/1.2.3.4/tcp/1/ws', `/ip4/1.2.3.4/tcp/1/ws/p2p/${A}`, '/p2p/xyz'))
    expect(relays.map(({ id }) => id)).toEqual([A])
  })

  it('reads no more addresses than its limit', () => {
    const many = Array.from({ length: BOOTSTRAP_MAX_ADDRESSES + 9 }, (_, i) => `/ip4/1.2.3.4/tcp/${i + 1}/ws/p2p/${A}`)
    expect(parseBootstrap(list(...many))[0]?.addresses).toHaveLength(BOOTSTRAP_MAX_ADDRESSES)
  })

  it.each(['', 'null', '[]', '{"relays":"x"}', '{"relays":[1]}', '{"relays":[]}', '{"relays":["/ip4/1.2.3.4/tcp/1"]}'])(
    'says what is wrong with %s',
    (text) => {
      expect(() => parseBootstrap(text)).toThrow(BootstrapError)
    }
  )

  it('throws nothing but BootstrapErrors, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.array(fc.string()).map((relays) => list(...relays))
        ),
        (text) => {
          try {
            parseBootstrap(text)
          } catch (error) {
            expect(error).toBeInstanceOf(BootstrapError)
          }
        }
      )
    )
  })
})

describe('loadBootstrap', () => {
  const good = list(`/ip4/1.2.3.4/tcp/1/ws/p2p/${A}`)

  it('asks past every cache and keeps the list', async () => {
    const kept = storage()
    let init: RequestInit | undefined
    const fetched: typeof fetch = async (_, given) => {
      init = given
      return new Response(good)
    }
    expect(await loadBootstrap({ fetch: fetched, storage: kept })).toHaveLength(1)
    expect(init?.cache).toBe('no-store')
    expect(kept.getItem()).toBe(good)
  })

  it.each([
    ['the network is gone', fails],
    ['the server has no list', serves('not found', 404)],
    ['the list is broken', serves('<!doctype html>')],
    ['the list is too long', serves(' '.repeat(BOOTSTRAP_MAX_BYTES) + good)]
  ])('takes the last good list when %s', async (_, fetched) => {
    expect((await loadBootstrap({ fetch: fetched, storage: storage(good) }))[0]?.id).toBe(A)
  })

  it('does not keep a broken list', async () => {
    const kept = storage(good)
    await loadBootstrap({ fetch: serves('{"relays":[]}'), storage: kept })
    expect(kept.getItem()).toBe(good)
  })

  it.each([
    ['nothing is kept', storage()],
    ['what is kept is broken', storage('{')],
    [
      'storage is forbidden',
      {
        getItem: () => {
          throw new DOMException('denied', 'SecurityError')
        },
        setItem: () => {}
      }
    ]
  ])('says what to do when there is no list and %s', async (_, kept) => {
    await expect(loadBootstrap({ fetch: fails, storage: kept })).rejects.toThrow(/Check the connection/)
  })

  it('works where storage cannot be written', async () => {
    const readOnly = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError')
      }
    }
    expect(await loadBootstrap({ fetch: serves(good), storage: readOnly })).toHaveLength(1)
  })

  it('rejects with the reason of an abort', async () => {
    const hangs: typeof fetch = async (_, init) =>
      new Promise((_, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
      })
    const controller = new AbortController()
    const loading = loadBootstrap({ fetch: hangs, storage: storage(good) }, { signal: controller.signal })
    controller.abort(new Error('page closed'))
    await expect(loading).rejects.toThrow('page closed')
  })
})
