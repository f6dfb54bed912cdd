import { TopicValidatorResult } from '@libp2p/gossipsub'
import { ANNOUNCE_LIMITS } from '../limits.ts'
import { ANNOUNCE_TOPIC } from '../swarm/index.ts'
import { decodeAnnouncement, encodeAnnouncement } from './encoding.ts'
import { ShardTable } from './table.ts'
import type { DecodedAnnouncement } from './encoding.ts'
import type { Announce, AnnounceComponents, AnnounceInit, KnownShard } from './index.ts'
import type { GossipsubMessage, Message, SubscriptionChangeData } from '@libp2p/gossipsub'
import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

export class AnnounceService implements Announce {
  readonly #components: AnnounceComponents
  readonly #init: AnnounceInit
  readonly #table = new ShardTable()
  readonly #provided = new Set<string>()
  /** The last word of each Shard whose addresses are being kept: a later one, or a goodbye, takes its place. */
  readonly #hearing = new Map<string, DecodedAnnouncement>()
  #stopped = new AbortController()
  #interval?: ReturnType<typeof setInterval>
  #soon?: ReturnType<typeof setTimeout>
  #lastAt = -Infinity

  constructor(components: AnnounceComponents, init: AnnounceInit) {
    this.#components = components
    this.#init = init
  }

  /** gossipsub has to be up already, and services start side by side. */
  afterStart(): void {
    this.#stopped = new AbortController()
    const { pubsub, events } = this.#components
    pubsub.topicValidators.set(ANNOUNCE_TOPIC, this.#validate)
    pubsub.addEventListener('gossipsub:message', this.#onMessage)
    pubsub.addEventListener('subscription-change', this.#onSubscription)
    events.addEventListener('self:peer:update', this.#onAddresses)
    pubsub.subscribe(ANNOUNCE_TOPIC)
    if (this.#init.offer != null) {
      this.#interval = setInterval(() => this.update(), ANNOUNCE_LIMITS.interval)
      this.update()
    }
  }

  start(): void {
    // nothing before afterStart
  }

  /** Says goodbye while the connections still stand, and nothing after it. */
  async beforeStop(): Promise<void> {
    this.#fallSilent()
    if (this.#init.offer != null) {
      await this.#publish(true)
    }
  }

  stop(): void {
    this.#fallSilent()
    const { pubsub, events } = this.#components
    pubsub.removeEventListener('gossipsub:message', this.#onMessage)
    pubsub.removeEventListener('subscription-change', this.#onSubscription)
    events.removeEventListener('self:peer:update', this.#onAddresses)
    pubsub.topicValidators.delete(ANNOUNCE_TOPIC)
  }

  update(): void {
    if (this.#init.offer == null || this.#soon != null || this.#stopped.signal.aborted) {
      return
    }
    const wait = Math.max(0, this.#lastAt + ANNOUNCE_LIMITS.minInterval - performance.now())
    this.#soon = setTimeout(() => {
      this.#soon = undefined
      this.#announce()
    }, wait)
  }

  shards(model?: CID): KnownShard[] {
    return this.#table.shards(model)
  }

  async discover(model: CID, options: AbortOptions = {}): Promise<void> {
    const { contentRouting, peerStore, peerId } = this.#components
    for await (const { id, multiaddrs } of contentRouting.findProviders(model, options)) {
      if (!id.equals(peerId)) {
        await peerStore.merge(id, { multiaddrs })
        if (this.#table.addProvider(id, model)) {
          return
        }
      }
    }
  }

  async changed(options: AbortOptions & { timeout: number }): Promise<void> {
    await this.#table.changed(options)
  }

  forget(peer: PeerId): void {
    this.#table.delete(peer)
  }

  #fallSilent(): void {
    this.#stopped.abort()
    clearInterval(this.#interval)
    clearTimeout(this.#soon)
    this.#soon = undefined
  }

  #announce(): void {
    this.#lastAt = performance.now()
    void this.#publish(false)
    void this.#provide()
  }

  async #publish(leaving: boolean): Promise<void> {
    const { pubsub, addressManager } = this.#components
    const offer = this.#init.offer?.()
    if (offer != null) {
      await pubsub
        .publish(ANNOUNCE_TOPIC, encodeAnnouncement(offer, addressManager.getAddresses(), leaving))
        .catch(() => {
          // nobody to hear it yet, or stopping: the next one is due soon
        })
    }
  }

  /** Provider records of manifests that have none yet; kad-dht renews those that it has. */
  async #provide(): Promise<void> {
    if (this.#components.connectionManager.getConnections().length === 0) {
      return
    }
    for (const { manifest } of this.#init.offer?.().models ?? []) {
      const key = manifest.toString()
      if (!this.#provided.has(key)) {
        this.#provided.add(key)
        await this.#components.contentRouting.provide(manifest, { signal: this.#stopped.signal }).catch(() => {
          this.#provided.delete(key)
        })
      }
    }
  }

  /** Runs before gossipsub passes a message on: what is no announcement goes no further, and costs its sender score. */
  readonly #validate = (_: PeerId, message: Message): TopicValidatorResult => {
    try {
      decodeAnnouncement(message.data)
      return TopicValidatorResult.Accept
    } catch {
      return TopicValidatorResult.Reject
    }
  }

  readonly #onMessage = ({ detail: { msg } }: CustomEvent<GossipsubMessage>): void => {
    if (msg.topic !== ANNOUNCE_TOPIC || msg.type !== 'signed' || msg.from.equals(this.#components.peerId)) {
      return
    }
    const id = msg.from.toString()
    const word = decodeAnnouncement(msg.data)
    const { addresses, leaving, ...offer } = word
    if (leaving) {
      this.#hearing.delete(id)
      this.#table.delete(msg.from)
      return
    }
    this.#hearing.set(id, word)
    // merged before it is told, so that whoever hears of a Shard can dial it
    const merged = this.#components.peerStore.merge(msg.from, { multiaddrs: addresses }).catch(() => {
      // other peers may know where it is
    })
    void merged.then(() => {
      if (this.#hearing.get(id) === word) {
        this.#hearing.delete(id)
        this.#table.announced(msg.from, offer)
      }
    })
  }

  /** Gossip has no history: a peer that comes late hears of this Shard now, and not an interval later. */
  readonly #onSubscription = ({ detail }: CustomEvent<SubscriptionChangeData>): void => {
    if (detail.subscriptions.some(({ topic, subscribe }) => subscribe && topic === ANNOUNCE_TOPIC)) {
      this.update()
    }
  }

  readonly #onAddresses = (): void => {
    this.update()
  }
}
