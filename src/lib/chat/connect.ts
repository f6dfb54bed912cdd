import { getSwarm } from '#lib/swarm/index.ts'
import { defaultModel } from './default-model.ts'
import type { ChatPeer } from './chat.svelte.ts'

/** Starts the tab's peer, if it is not yet running, and says how to ask. */
export async function connectChat(): Promise<ChatPeer> {
  const [swarm, own, { CID }] = await Promise.all([getSwarm(), defaultModel(), import('multiformats/cid')])
  return {
    ask: (question, options) => swarm.consumer.ask(question, options),
    model: (text) => {
      if (text == null) return own
      const cid = CID.parse(text)
      const offered = swarm.directory.shards(cid).flatMap(({ models }) => models)
      const name = offered.find(({ manifest }) => manifest.equals(cid))?.name
      return { cid, name: cid.equals(own.cid) ? own.name : (name ?? '') }
    }
  }
}
