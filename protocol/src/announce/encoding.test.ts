import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'
import { isShardError } from '../errors.ts'
import { ANNOUNCE_LIMITS } from '../limits.ts'
import { Announcement } from '../pb/announce.ts'
import { decodeAnnouncement, encodeAnnouncement } from './encoding.ts'
import type { ShardOffer } from './index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const cids = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((digest) => CID.createV1(0x71, create(0x12, digest)))

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })

/** Offers as Shards have them, also such that do not fit. */
const offers = (mostModels: number): fc.Arbitrary<ShardOffer> =>
  fc.record({
    models: fc.array(fc.record({ manifest: cids, name: fc.string({ unit: 'binary', maxLength: 120 }) }), {
      maxLength: mostModels
    }),
    slots: uint32,
    active: uint32,
    queued: uint32,
    scoutsWanted: uint32,
    speed: fc.float({ min: 0, noNaN: true, noDefaultInfinity: true })
  })

const hosts = fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }))

const addresses: fc.Arbitrary<Multiaddr[]> = fc.array(
  fc.oneof(
    hosts.map(([ip, port]) => multiaddr(`/ip4/${ip}/tcp/${port}`)),
    fc
      .tuple(hosts, cids)
      .map(([[ip, port]]) =>
        multiaddr(
          `/ip4/${ip}/udp/${port}/webrtc-direct/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ/p2p/12D3KooWKRyzVWW6ChFjQjK4miCty85Niy48tpPV95XdKu1BcvMA/p2p-circuit`
        )
      )
  ),
  { maxLength: 24 }
)

const plain = ({ models, ...offer }: ShardOffer) => ({
  ...offer,
  models: models.map(({ manifest, name }) => ({ manifest: manifest.toString(), name }))
})

describe('announcements', () => {
  it('come out as they went in, where they fit', () => {
    const some = fc.array(fc.record({ manifest: cids, name: fc.string({ maxLength: 96 }) }), { maxLength: 8 })
    fc.assert(
      fc.property(offers(0), some, addresses, fc.boolean(), (offer, models, known, leaving) => {
        const few = known.slice(0, ANNOUNCE_LIMITS.maxAddresses)
        const decoded = decodeAnnouncement(encodeAnnouncement({ ...offer, models }, few, leaving))
        expect({ ...plain(decoded), addresses: decoded.addresses.map(String) }).toEqual({
          ...plain({ ...offer, models }),
          addresses: few.map(String),
          leaving
        })
      }),
      { numRuns: 40 }
    )
  })

  it('always fit what others take, whatever a Shard serves and wherever it listens', () => {
    fc.assert(
      fc.property(offers(48), addresses, fc.boolean(), (offer, known, leaving) => {
        const bytes = encodeAnnouncement(offer, known, leaving)
        expect(bytes.byteLength).toBeLessThanOrEqual(ANNOUNCE_LIMITS.maxBytes)
        const decoded = decodeAnnouncement(bytes)
        const { models } = plain(offer)
        expect(decoded.models.map(({ manifest }) => manifest.toString())).toEqual(
          models.slice(0, decoded.models.length).map(({ manifest }) => manifest)
        )
        decoded.models.forEach(({ name }, index) => expect(offer.models[index]?.name.startsWith(name)).toBe(true))
        expect(decoded.leaving).toBe(leaving)
      })
    )
  })

  it('name 32 models with names in any script', () => {
    const model = {
      manifest: CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'),
      name: '模'.repeat(96)
    }
    const offer = {
      models: Array(40).fill(model) as ShardOffer['models'],
      slots: 1,
      active: 0,
      queued: 0,
      scoutsWanted: 0,
      speed: 1
    }
    const { models } = decodeAnnouncement(encodeAnnouncement(offer, []))
    expect(models.length).toBeGreaterThan(20)
    expect(models[0]?.name).toBe(model.name)
  })

  it('are refused with a ShardError, or read, whatever the bytes are', () => {
    const valid = fc.tuple(offers(4), addresses).map(([offer, known]) => encodeAnnouncement(offer, known.slice(0, 4)))
    const broken = fc
      .tuple(valid, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat())
      .map(([bytes, at, value, length]) => {
        const copy = Uint8Array.from(bytes)
        if (copy.byteLength > 0) copy[at % copy.byteLength] = value
        return copy.subarray(0, length % (copy.byteLength + 1) || copy.byteLength)
      })
    fc.assert(
      fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          const { speed, models } = decodeAnnouncement(bytes)
          expect(Number.isFinite(speed) && speed >= 0).toBe(true)
          expect(models.every(({ name }) => name.length <= ANNOUNCE_LIMITS.maxNameLength)).toBe(true)
        } catch (error) {
          expect(isShardError(error, 'MALFORMED')).toBe(true)
        }
      }),
      { numRuns: 500 }
    )
  })

  it.each([NaN, Infinity, -Infinity, -1])('take a speed of %d for unknown', (speed) => {
    const bytes = Announcement.encode({ models: [], addresses: [], speed })
    expect(decodeAnnouncement(bytes).speed).toBe(0)
  })

  it('are refused when they are too long, or hold too much', () => {
    const refused = (bytes: Uint8Array): unknown => {
      try {
        return decodeAnnouncement(bytes)
      } catch (error) {
        return error
      }
    }
    expect(refused(new Uint8Array(ANNOUNCE_LIMITS.maxBytes + 1))).toMatchObject({ code: 'OVERSIZED' })
    const model = { manifest: new Uint8Array([1, 0x55, 0, 0]), name: '' }
    expect(refused(Announcement.encode({ models: Array(32).fill(model) as never[] }))).toHaveProperty('models')
    expect(refused(Announcement.encode({ models: Array(33).fill(model) as never[] }))).toMatchObject({
      code: 'MALFORMED'
    })
    const address = multiaddr('/ip4/127.0.0.1/tcp/1').bytes
    expect(refused(Announcement.encode({ addresses: Array<Uint8Array<ArrayBuffer>>(17).fill(address) }))).toMatchObject(
      {
        code: 'MALFORMED'
      }
    )
  })
})
