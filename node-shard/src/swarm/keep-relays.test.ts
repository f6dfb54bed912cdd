import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { parseRelay, swarmDefaults } from '@shard/protocol/swarm'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { keepRelays } from './keep-relays.ts'
import type { Libp2p } from '@libp2p/interface'
import type { RelayAddresses } from '@shard/protocol/swarm'
import type { KeptRelays } from './keep-relays.ts'

/** As long as it takes on a machine that is busy with other things. */
const until = async (check: () => unknown): Promise<void> => {
  await vi.waitFor(check, { timeout: 15_000, interval: 10 })
}

const NOBODY: RelayAddresses = parseRelay(
  // the discard port, where nothing answers
  '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWKRyzVWW6ChFjQjK4miCty85Niy48tpPV95XdKu1BcvMA'
)

const cleanups: Array<() => unknown> = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function start(): Promise<Libp2p> {
  const node = await createLibp2p({
    ...swarmDefaults(),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()]
  })
  cleanups.push(async () => node.stop())
  return node
}

function keep(node: Libp2p, relays: RelayAddresses[]): KeptRelays {
  const kept = keepRelays(node, relays)
  cleanups.push(() => kept.stop())
  return kept
}

const addressesOf = (node: Libp2p): RelayAddresses => ({
  id: node.peerId.toString(),
  addresses: node.getMultiaddrs().map((address) => multiaddr(address.toString()))
})

describe('keepRelays', () => {
  it('resolves when one of them is connected', async () => {
    const [node, relay] = await Promise.all([start(), start()])
    const kept = keep(node, [NOBODY, addressesOf(relay)])
    await kept.connected({ timeout: 20_000 })
    expect(kept.state.connected).toEqual([relay.peerId.toString()])
    await kept.connected({ timeout: 1 })
  })

  it('says in a sentence which relays do not answer, and what to look at', async () => {
    const kept = keep(await start(), [NOBODY])
    await expect(kept.connected({ timeout: 100 })).rejects.toThrow(
      /^No relay answers \(\/ip4\/127\.0\.0\.1\/tcp\/9\/.*\)\. Is it running, and is its address right\?$/
    )
  })

  it("rejects with the signal's reason, before and while it waits", async () => {
    const kept = keep(await start(), [NOBODY])
    const reason = new Error('enough')
    await expect(kept.connected({ timeout: 60_000, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const stop = new AbortController()
    const connected = kept.connected({ timeout: 60_000, signal: stop.signal })
    stop.abort(reason)
    await expect(connected).rejects.toBe(reason)
  })

  it('connects again after a relay was lost', async () => {
    const [node, relay] = await Promise.all([start(), start()])
    const kept = keep(node, [addressesOf(relay)])
    await kept.connected({ timeout: 20_000 })
    const [lost] = node.getConnections(relay.peerId)
    lost?.abort(new Error('lost'))
    await until(() =>
      expect(node.getConnections(relay.peerId).some(({ id, status }) => id !== lost?.id && status === 'open')).toBe(
        true
      )
    )
    await kept.connected({ timeout: 20_000 })
    expect(kept.state.connected).toEqual([relay.peerId.toString()])
  })

  it('dials nobody after it was stopped', async () => {
    const [node, relay] = await Promise.all([start(), start()])
    const kept = keep(node, [addressesOf(relay)])
    await kept.connected({ timeout: 20_000 })
    kept.stop()
    const dial = vi.spyOn(node, 'dial')
    await node.hangUp(relay.peerId)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(dial).not.toHaveBeenCalled()
  })
})
