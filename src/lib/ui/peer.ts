/** A PeerId short enough to read out: its last letters, which differ where the first ones are all alike. */
export function shortPeer(peer: string): string {
  return peer.length <= 10 ? peer : `…${peer.slice(-6)}`
}

const ONE_DIGIT = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const INTEGER = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** A speed for people: one decimal below 100, none above. */
export function formatRate(tokensPerSecond: number): string {
  return `${(tokensPerSecond < 100 ? ONE_DIGIT : INTEGER).format(tokensPerSecond)} tokens/s`
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${INTEGER.format(count)} ${count === 1 ? one : many}`
}
