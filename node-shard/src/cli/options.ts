import { isIP } from 'node:net'
import { join } from 'node:path'
import { groupRelays, parseRelay } from '@shard/protocol/swarm'
import { InvalidArgumentError, Option } from 'commander'
import envPaths from 'env-paths'
import type { RelayAddresses } from '@shard/protocol/swarm'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** Folder of one role: a Shard and a Scout on one machine are two peers with a key each. */
export function dataFolder(role: 'shard' | 'scout'): string {
  return join(envPaths('shard', { suffix: '' }).data, role)
}

export const relayOption = (): Option =>
  new Option('--relay <multiaddr>', 'a relay to enter the swarm by; may be given several times')
    .env('SHARD_RELAYS')
    .argParser(addRelay)
    .default([])

export const logOption = (): Option =>
  new Option('--log-level <level>', 'what is logged to stderr').choices(LOG_LEVELS).default('warn')

export const gpuOption = (): Option =>
  new Option('--gpu <mode>', 'auto: a GPU if there is one; off: the CPU').choices(['auto', 'off']).default('auto')

/** A whole number in decimal digits; an empty text, which JavaScript takes for 0, is none. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number ${range}.`)
    }
    return value
  }
}

/** From 0 up, as a decimal number. */
export function decimal(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0 || text.trim() === '') {
    throw new InvalidArgumentError('It must be a number from 0.')
  }
  return value
}

export function ipAddress(text: string): string {
  if (isIP(text) === 0) {
    throw new InvalidArgumentError('It must be an IP address of this machine, or 0.0.0.0 for all.')
  }
  return text
}

/** The multiaddrs of a host: TCP, WebSockets and WebRTC-Direct on free ports. */
export function listenOn(host: string): string[] {
  const ip = `/ip${isIP(host)}/${host}`
  return [`${ip}/tcp/0`, `${ip}/tcp/0/ws`, `${ip}/udp/0/webrtc-direct`]
}

function addRelay(value: string, previous: RelayAddresses[]): RelayAddresses[] {
  try {
    // an environment variable holds all of them
    return groupRelays([
      ...previous,
      ...value
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(parseRelay)
    ])
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}
