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
