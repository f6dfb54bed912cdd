import 'reflect-metadata'
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { BasicConstraintsExtension, X509CertificateGenerator } from '@peculiar/x509'
import { base64url } from 'multiformats/bases/base64'
import { sha256 } from 'multiformats/hashes/sha2'
import { CERTIFICATE_LIFETIME, CERTIFICATE_RENEWAL } from './constants.ts'
import { RelayError, systemCode } from './errors.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { TransportCertificate } from '@libp2p/webrtc'

/** What makes a relay the same relay after a restart: both are parts of the addresses that others remember. */
export interface RelayIdentity {
  privateKey: PrivateKey
  /** For WebRTC-Direct. Its hash is in the relay's address, so it outlives the process as the key does. */
  certificate: TransportCertificate
}

/** A fresh identity that is kept nowhere. */
export async function createIdentity(): Promise<RelayIdentity> {
  return { privateKey: await generateKeyPair('Ed25519'), certificate: await createCertificate() }
}

/**
 * The identity that is kept in a folder, made there on the first start. A file that cannot be read is never replaced.
 *
 * @throws RelayError `BAD_IDENTITY` for a file that is no key, `DATA_REFUSED` where the folder cannot be used
 */
export async function loadIdentity(folder: string): Promise<RelayIdentity> {
  try {
    // 0700 and 0600: whoever reads the key can pose as this relay.
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return { privateKey: await loadKey(join(folder, 'peer.key')), certificate: await loadCertificate(folder) }
  } catch (error) {
    const code = systemCode(error)
    if (code == null || error instanceof RelayError) throw error
    throw new RelayError(
      'DATA_REFUSED',
      `Cannot read and write the folder ${folder} (${code}): fix its owner and mode, or name another with --data.`,
      { cause: error }
    )
  }
}

async function loadKey(path: string): Promise<PrivateKey> {
  const stored = await readIfThere(path)
  if (stored == null) {
    const key = await generateKeyPair('Ed25519')
    await writeSecret(path, privateKeyToProtobuf(key))
    return key
  }
  try {
    return privateKeyFromProtobuf(stored)
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function loadCertificate(folder: string): Promise<TransportCertificate> {
  const path = join(folder, 'webrtc-direct.pem')
  const stored = await readIfThere(path)
  if (stored != null) {
    const certificate = await parseCertificate(path, new TextDecoder().decode(stored))
    if (certificate != null) return certificate
  }
  const certificate = await createCertificate()
  await writeSecret(path, new TextEncoder().encode(`${certificate.privateKey}\n${certificate.pem}\n`))
  return certificate
}

/** Undefined if the certificate is about to lapse. */
async function parseCertificate(path: string, text: string): Promise<TransportCertificate | undefined> {
  const [privateKey, pem] = ['PRIVATE KEY', 'CERTIFICATE'].map(
    (name) => new RegExp(`-----BEGIN ${name}-----[^-]+-----END ${name}-----`).exec(text)?.[0]
  )
  if (privateKey == null || pem == null) throw unreadable(path)
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
    if (!certificate.checkPrivateKey(createPrivateKey(privateKey))) throw unreadable(path)
  } catch (error) {
    throw unreadable(path, error)
  }
  if (certificate.validToDate.getTime() - Date.now() < CERTIFICATE_RENEWAL) return undefined
  return { privateKey, pem, certhash: await certhash(certificate.raw) }
}

async function createCertificate(): Promise<TransportCertificate> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  // WebRTC trusts a certificate by its hash alone: the name in it means nothing, and whole seconds are all X.509 keeps.
  const now = Math.floor(Date.now() / 1000) * 1000
  const init = {
    serialNumber: '01',
    name: 'CN=shard-relay',
    notBefore: new Date(now),
    notAfter: new Date(now + CERTIFICATE_LIFETIME),
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new BasicConstraintsExtension(false, undefined, true)]
  }
  const certificate = await X509CertificateGenerator.createSelfSigned(init, crypto)
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    privateKey: ['-----BEGIN PRIVATE KEY-----', ...(pkcs8.match(/.{1,64}/g) ?? []), '-----END PRIVATE KEY-----'].join(
      '\n'
    ),
    pem: certificate.toString('pem'),
    certhash: await certhash(new Uint8Array(certificate.rawData))
  }
}

/** As in a multiaddr: multibase base64url of the SHA-256 multihash of the certificate's DER bytes. */
async function certhash(der: Uint8Array): Promise<string> {
  return base64url.encode((await sha256.digest(new Uint8Array(der))).bytes)
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all, so that a crash or a full disk leaves no half key behind. */
async function writeSecret(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  await writeFile(draft, bytes, { mode: 0o600 })
  // `mode` counts only for a new file, and a draft of a run that crashed may lie there.
  await chmod(draft, 0o600)
  await rename(draft, path)
}

function unreadable(path: string, cause?: unknown): RelayError {
  return new RelayError(
    'BAD_IDENTITY',
    `${path} is not a file that shard-relay wrote: restore it from a backup, or move it away to start with a new identity and address.`,
    { cause }
  )
}
