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

/** WebSocket subprotocol of `/ws/generate`. */
export const WS_PROTOCOL = 'shard-generate-1'

/** Before the API key, in base64url, among the subprotocols of a client that cannot set headers. */
export const KEY_PROTOCOL = 'shard-api-key.'

/** Clients that may be connected at once. */
export const MAX_CONNECTIONS = 1_024

/** Answers that are asked for at once: a Shard's queue and the streams of one connection hold as many. */
export const MAX_ANSWERS = GENERATE_LIMITS.maxOutboundStreams

/** Questions that wait for their turn before new ones are refused. */
export const MAX_WAITING = 512

/** Polled answers that may be under way at once. */
export const MAX_JOBS = 64

/** Ms that `/pop-result` waits for something to tell. Below what proxies and clients give up after. */
export const POLL_WAIT = 10_000

/** Ms without a poll after which an answer is taken for abandoned. */
export const POLL_PATIENCE = 30_000

/** Messages of a polled answer that wait for the client, before the answer waits too. */
export const MAX_UNREAD = 256
