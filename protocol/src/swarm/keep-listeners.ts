import type { CreateListenerOptions, Listener, Transport } from '@libp2p/interface'

/**
 * A transport whose listeners let go of their ports only with the process: for `webRTCDirect` in Node.
 *
 * node-datachannel 0.33 frees a WebRTC-Direct listener while its own thread may still be handing it a packet, so a close
 * under load aborts the process: 5 of 13 stops of a relay that four peers were dialling, and none of 16 with this. A
 * listener that is never closed is never freed; libp2p closes the connections on it like all others.
 *
 * @example
 *
 * ```TypeScript
 * transports: [keepListeners(webRTCDirect({ rtcConfiguration: NO_ICE_SERVERS }))]
 * ```
 */
export function keepListeners<Components>(
  factory: (components: Components) => Transport
): (components: Components) => Transport {
  return (components) => {
    const transport = factory(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options: CreateListenerOptions): Listener => {
      const listener = createListener(options)
      // libp2p is told that it closed, and forgets it.
      listener.close = async () => {
        listener.safeDispatchEvent('close')
      }
      return listener
    }
    return transport
  }
}
