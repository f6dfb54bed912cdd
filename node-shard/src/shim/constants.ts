import { GENERATE_LIMITS } from '@shard/protocol/limits'

/** Bytes. JSON escapes make a conversation longer than it travels on the wire, where it is limited again. */
export const MAX_BODY_BYTES = 2 * GENERATE_LIMITS.maxRequestBytes

/** Ms from a connection's first byte to the end of its request. A client on this machine needs no more. */
export const REQUEST_TIMEOUT = 30_000

/** Ms that clients have to read the end of their answers when the server closes. */
export const CLOSE_PATIENCE = 1_000

/** Seconds after which a client should ask a busy swarm again: a short answer's time. */
export const RETRY_AFTER = 2

/** Names of this machine. A page of another name that resolves to 127.0.0.1 (DNS rebinding) sends its own. */
export const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', '[::1]', 'localhost']

/** Addresses that may be listened on. */
export const LOOPBACK_ADDRESSES: readonly string[] = ['127.0.0.1', '::1', 'localhost']
