const ONE_DIGIT = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const INTEGER = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** Bytes as browsers and shops count them: 1 MB is a million. One decimal below 10. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1_000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1_000 ** power
  return `${(value < 10 && power > 0 ? ONE_DIGIT : INTEGER).format(value)} ${UNITS[power]}`
}

/** A share of 1 as a whole percentage; a dash where there is nothing to share. */
export function formatShare(part: number, whole: number): string {
  return whole > 0 ? `${INTEGER.format((part * 100) / whole)} %` : '–'
}
