import type { FetchProgress } from '../models/index.ts'

const WIDTH = 24

/** Draws one line on stderr, again and again; nothing where stderr is no terminal. */
export class ProgressBar {
  readonly #to: NodeJS.WriteStream
  #drawn = false

  constructor(to: NodeJS.WriteStream = process.stderr) {
    this.#to = to
  }

  show(progress: FetchProgress): void {
    if (this.#to.isTTY) {
      this.#drawn = true
      this.#to.write(`\r${progressLine(progress).slice(0, Math.max(20, this.#to.columns - 1))}\u001B[K`)
    }
  }

  /** Leaves the last line where it is. */
  end(): void {
    if (this.#drawn) {
      this.#to.write('\n')
      this.#drawn = false
    }
  }
}

function progressLine({ what, bytes, total, speed, peers, eta }: FetchProgress): string {
  const share = total > 0 ? Math.min(1, bytes / total) : 0
  const full = Math.floor(share * WIDTH)
  const bar = '#'.repeat(full) + '-'.repeat(WIDTH - full)
  const left = eta == null || share === 1 ? '' : `  ${duration(eta)} left`
  const from = peers === 1 ? '1 peer' : `${peers} peers`
  return `${what.padEnd(6)} [${bar}] ${Math.floor(share * 100)} %  ${size(bytes)}/${size(total)}  ${size(speed)}/s  ${from}${left}`
}

/** Decimal units, as disks are sold. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  let value = bytes
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) {
    return `${whole} s`
  }
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
