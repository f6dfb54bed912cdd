/** The list of relays, beside the app's own files: whoever serves the app says which relays it uses. */
export const BOOTSTRAP_URL = '/bootstrap.json'

/** Bytes of the list. 64 addresses of WebRTC-Direct with their certificate hashes are about 16 KiB. */
export const BOOTSTRAP_MAX_BYTES = 64 * 1024

/** Addresses in the list; what comes after is ignored. */
export const BOOTSTRAP_MAX_ADDRESSES = 64

/** Ms for the list. The app's own server is near, and the last good list is at hand. */
export const BOOTSTRAP_TIMEOUT = 5_000

/** Where the last good list is kept for a start without network. */
export const BOOTSTRAP_STORAGE_KEY = 'shard/bootstrap'

/** Relays that a tab stays connected to, where the list has as many. One is enough to work; others take over. */
export const RELAYS_WANTED = 2

/** Ms of one dial: WebRTC-Direct takes 8 round trips, 6 s for a satellite link and to spare. */
export const DIAL_TIMEOUT = 10_000

/** Pause before a relay that could not be reached is tried again, in ms: doubled each time, halved to 1.5 times at random. */
export const RETRY_FIRST = 500
export const RETRY_AT_MOST = 30_000

/** While no relay answers, the list is fetched again at most this often, in ms: the relays may have moved. */
export const REFRESH_AT_MOST_EVERY = 15_000
