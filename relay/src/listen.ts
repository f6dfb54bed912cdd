import { createSocket } from 'node:dgram'
import { createServer, isIP } from 'node:net'
import { getNetConfig } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { TCP, WebRTCDirect, WebSockets, WebSocketsSecure } from '@multiformats/multiaddr-matcher'
import { DEFAULT_HOST, DEFAULT_PORT, TCP_PORT_OFFSET } from './constants.ts'
import { RelayError, systemCode } from './errors.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface ListenInit {
  /** An IPv4 or IPv6 address of this machine; 0.0.0.0 or :: for all. */
  host?: string
  /** Of WebSockets (TCP) and WebRTC-Direct (UDP); plain TCP takes the next one. 0 takes free ones. */
  port?: number
}

/**
 * The multiaddrs of a host and a port, as text: WebSockets, WebRTC-Direct and plain TCP.
 *
 * @throws RelayError `BAD_ADDRESS`
 */
export function listenAddresses({ host = DEFAULT_HOST, port = DEFAULT_PORT }: ListenInit = {}): string[] {
  const version = isIP(host)
  if (version === 0) {
    throw new RelayError(
      'BAD_ADDRESS',
      `"${host}" is not an IP address: give one of this machine's, or 0.0.0.0 for all.`
    )
  }
  const last = 65_535 - TCP_PORT_OFFSET
  if (!Number.isInteger(port) || port < 0 || port > last) {
    throw new RelayError(
      'BAD_ADDRESS',
      `${port} is not a port: give a whole number from 1 to ${last}, or 0 for free ones.`
    )
  }
  const ip = `/ip${version}/${host}`
  const plain = port === 0 ? 0 : port + TCP_PORT_OFFSET
  return [`${ip}/tcp/${port}/ws`, `${ip}/udp/${port}/webrtc-direct`, `${ip}/tcp/${plain}`]
}

/**
 * Addresses to listen on, checked.
 *
 * @throws RelayError `BAD_ADDRESS` for what is no multiaddr, or one that a relay cannot listen on
 */
export function parseListen(addresses: string[]): Multiaddr[] {
  return addresses.map((text) => {
    const address = parse(text)
    const usable = [TCP, WebSockets, WebRTCDirect].some((kind) => kind.exactMatch(address))
    const { type } = usable ? getNetConfig(address) : {}
    if (type !== 'ip4' && type !== 'ip6') {
      throw new RelayError(
        'BAD_ADDRESS',
        `A relay cannot listen on "${text}": use an IP address with tcp, ws or webrtc-direct, such as /ip4/0.0.0.0/tcp/9092/ws.`
      )
    }
    return address
  })
}

/**
 * Addresses to tell others, checked. A name and TLS are fine here: a reverse proxy may provide them.
 *
 * @throws RelayError `BAD_ADDRESS`
 */
export function parseAnnounce(addresses: string[]): Multiaddr[] {
  return addresses.map((text) => {
    const address = parse(text)
    if (![TCP, WebSockets, WebSocketsSecure, WebRTCDirect].some((kind) => kind.matches(address))) {
      throw new RelayError(
        'BAD_ADDRESS',
        `Nobody could dial "${text}": announce an address with tcp, ws or webrtc-direct, such as /dns4/relay.example.org/tcp/443/tls/ws.`
      )
    }
    return address
  })
}

function parse(text: string): Multiaddr {
  try {
    return multiaddr(text)
  } catch (error) {
    throw new RelayError('BAD_ADDRESS', `"${text}" is not a multiaddr: write it like /ip4/0.0.0.0/tcp/9092/ws.`, {
      cause: error
    })
  }
}

/**
 * Binds each address and lets it go again, because libp2p tells of a taken port only with a stack trace, and of a taken
 * UDP port not at all clearly. Returns the addresses; a UDP port of 0 is replaced by a free one, because libp2p would take
 * one that is free for TCP.
 *
 * @throws RelayError `ADDRESS_IN_USE` or `ADDRESS_REFUSED`
 */
export async function checkFree(addresses: Multiaddr[]): Promise<Multiaddr[]> {
  const free: Multiaddr[] = []
  for (const address of addresses) {
    const { host, port = 0, protocol = 'tcp' } = getNetConfig(address)
    try {
      const bound = await (protocol === 'udp' ? probeUdp(host, port) : probeTcp(host, port))
      free.push(protocol === 'udp' ? multiaddr(address.toString().replace('/udp/0/', `/udp/${bound}/`)) : address)
    } catch (error) {
      throw explain(error, host, port, protocol)
    }
  }
  return free
}

function explain(error: unknown, host: string, port: number, protocol: string): RelayError {
  const name = `${protocol.toUpperCase()} port ${port}`
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new RelayError(
        'ADDRESS_IN_USE',
        `${name} on ${host} is taken: stop the program that has it (another relay?), or choose another port with --port.`,
        { cause: error }
      )
    case 'EACCES':
      return new RelayError(
        'ADDRESS_REFUSED',
        `${name} needs more rights than this user has: choose a port above 1023 with --port.`,
        {
          cause: error
        }
      )
    case 'EADDRNOTAVAIL':
      return new RelayError(
        'ADDRESS_REFUSED',
        `This machine has no address ${host}: use one of its own, or 0.0.0.0 for all.`,
        {
          cause: error
        }
      )
    default:
      return new RelayError(
        'ADDRESS_REFUSED',
        `Cannot listen on ${name} of ${host} (${systemCode(error) ?? String(error)}): try another.`,
        {
          cause: error
        }
      )
  }
}

async function probeTcp(host: string, port: number): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true, ipv6Only: true }, resolve)
  })
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The port that was bound. */
async function probeUdp(host: string, port: number): Promise<number> {
  // Linux refuses `ipv6Only` on an IPv4 socket.
  const socket = isIP(host) === 6 ? createSocket({ type: 'udp6', ipv6Only: true }) : createSocket('udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ port, address: host, exclusive: true }, resolve)
    })
    return socket.address().port
  } finally {
    socket.close()
  }
}
