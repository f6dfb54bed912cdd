// A Scout that means harm: `node hostile-scout.ts <relay> <behaviour>`. It speaks the protocol up to the moment at which
// it does not.
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { AssignmentMessage, ScoutMessage, type Begin, type Draft } from '@shard/protocol/draft'
import { encodeManifest } from '@shard/protocol/model'
import { parseRelay } from '@shard/protocol/swarm'
import { embeddedFiles } from '../../../node-shard/dist/store/index.js'
import { startPeer } from '../../../node-shard/dist/swarm/index.js'
import type { PeerId, Stream } from '@libp2p/interface'

type Write = (bytes: Uint8Array) => Promise<void>

/** What each kind of Scout does with a generation that it is given. */
const BEHAVIOURS: Record<string, (begin: Begin, send: (draft: Draft) => Promise<void>, raw: Write) => Promise<void>> = {
  async wrong(begin, send) {
    for (let chain = 1; chain < 400; chain++) {
      await send({
        generation: begin.generation,
        chain,
        position: begin.committed.length,
        tokens: [5, 6, 7, 8, 9, 10, 11]
      })
      await pause(5)
    }
  },
  async stale(begin, send) {
    for (let chain = 400; chain > 0; chain--) {
      await send({ generation: begin.generation, chain, position: Math.floor(chain / 10), tokens: [322, 894, 302] })
      await pause(5)
    }
  },
  async beyond(begin, send) {
    // positions far ahead, and tokens that no vocabulary has
    for (let chain = 1; chain < 200; chain++) {
      await send({ generation: begin.generation, chain, position: chain * 1000, tokens: [322] })
      await send({
        generation: begin.generation,
        chain: chain + 1000,
        position: begin.committed.length,
        tokens: [4_294_967_295]
      })
      await pause(5)
    }
  },
  async oversized(begin, send) {
    const tokens = Array.from({ length: 2_000 }, (_, index) => index)
    await send({ generation: begin.generation, chain: 1, position: 0, tokens })
  },
  async malformed(_begin, _send, raw) {
    await raw(Uint8Array.from({ length: 64 }, (_, index) => (index * 151) % 256))
  },
  async flood(begin, send) {
    for (let chain = 1; chain < 20_000; chain++) {
      await send({ generation: begin.generation, chain, position: begin.committed.length, tokens: [5, 6, 7] })
    }
  }
}

const [relay = '', behaviour = ''] = process.argv.slice(2)
const act = BEHAVIOURS[behaviour]
if (act == null) throw new Error(`No such behaviour: ${behaviour}`)
process.once('disconnect', () => process.exit(0))

const { manifest } = await embeddedFiles()
const { cid } = await encodeManifest(manifest)
const peer = await startPeer([parseRelay(relay)])
await peer.relays.connected({ timeout: 30_000 })
const { announce } = peer.libp2p.services
while (announce.shards(cid).length === 0) await announce.discover(cid)
let ready = false
for (const shard of announce.shards(cid)) void serve(shard.peer)

/** Offers itself to one Shard, again and again: being thrown out once does not stop somebody who means harm. */
async function serve(shard: PeerId): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      const stream = await peer.libp2p.dialProtocol(peerIdFromString(shard.toString()), '/shard/draft/1')
      await offer(stream)
    } catch {
      // the Shard ended the stream, as it should
    }
    await pause(100)
  }
}

async function offer(stream: Stream): Promise<void> {
  const lp = lpStream(stream)
  const tokenizer = new Uint8Array(manifest.tokenizer)
  await lp.write(
    ScoutMessage.encode({ offer: { model: new Uint8Array(cid.bytes), tokenizer, engine: `hostile/${behaviour}` } })
  )
  while (true) {
    const message = AssignmentMessage.decode(await lp.read())
    if (message.welcome != null && !ready) {
      ready = true
      process.stdout.write(`${JSON.stringify({ event: 'ready' })}\n`)
    }
    if (message.begin != null) {
      const send = async (draft: Draft): Promise<void> => lp.write(ScoutMessage.encode({ draft }))
      act?.(message.begin, send, async (bytes) => lp.write(bytes)).catch(() => undefined)
    }
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
