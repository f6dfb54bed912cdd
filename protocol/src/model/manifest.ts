import * as dagCbor from '@ipld/dag-cbor'
import * as dagJson from '@ipld/dag-json'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { ShardError } from '../errors.ts'
import { MANIFEST_LIMITS } from '../limits.ts'
import { checkManifest } from './schema.ts'

/** A model: what its target is, what can draft for it, and what both share. Its id is the CID of its DAG-CBOR block. */
export interface Manifest {
  version: 1
  /** For people, e.g. `shard-tiny`. */
  name: string
  /** For people: the family of architectures, e.g. `llama`. */
  family?: string
  /** SPDX expression of the weights' licence, e.g. `CC-BY-SA-4.0`. */
  license: string
  /** Longest context that the target was made for, in tokens. */
  contextLength: number
  /** SHA-256 of the tokenizer that target and drafts share; see {@link tokenizerHash}. 32 bytes. */
  tokenizer: Uint8Array
  target: ModelFile
  /** Models that draft for the target, best first. May be empty. */
  drafts: DraftBuild[]
}

export interface ModelFile {
  /** The file as UnixFS, imported with {@link UNIXFS_IMPORT}. */
  cid: CID
  /** The file's size. */
  bytes: number
  format: 'gguf'
  /** As llama.cpp names it, e.g. `Q4_0`. */
  quantization: string
  /** https URLs of the same file; what comes from there is checked against `cid`. */
  origins?: string[]
}

/** A draft model that llama.cpp runs: natively, or as wllama in a tab. */
export interface GgufDraft extends ModelFile {
  name: string
  engine: 'gguf'
}

/** What drafts, by `engine`. Builds for other engines join this union; peers pass over those that they don't know. */
export type DraftBuild = GgufDraft

/**
 * A manifest's block and the CID that names it. The same manifest always gives the same bytes: DAG-CBOR has one form
 * for a value.
 *
 * @throws ShardError MALFORMED or OVERSIZED, naming the field that is not valid
 */
export async function encodeManifest(manifest: Manifest): Promise<{ cid: CID; bytes: Uint8Array }> {
  const bytes = dagCbor.encode(withoutUndefined(checkManifest(manifest)))
  checkSize(bytes)
  return { cid: await blockCid(bytes), bytes }
}

/**
 * Reads a manifest's block. Fields that this version does not know are left out, and so are drafts for unknown
 * engines: keep the bytes where the block is passed on.
 *
 * @param cid - where the block was asked for by CID: the bytes are checked against it
 * @throws ShardError OVERSIZED if the block or a field is too long; MALFORMED if the bytes are not those that `cid`
 * names, not canonical DAG-CBOR, or not a manifest. The message names the field.
 */
export async function decodeManifest(bytes: Uint8Array, cid?: CID): Promise<Manifest> {
  checkSize(bytes)

  if (cid != null && !cid.equals(await blockCid(bytes))) {
    throw new ShardError(
      'MALFORMED',
      `The manifest's bytes are not those that ${cid.toString()} names; ask another peer.`
    )
  }

  let value: unknown

  try {
    value = dagCbor.decode(bytes)
    // Another encoding of the same value would be a second id of the same model.
    if (!equalBytes(dagCbor.encode(value), bytes)) {
      throw new Error('another encoding of the same value exists')
    }
  } catch (cause) {
    throw new ShardError('MALFORMED', `The manifest is not canonical DAG-CBOR: ${messageOf(cause)}.`, { cause })
  }

  return checkManifest(value)
}

/**
 * A manifest from its readable form, the parsed JSON of a DAG-JSON text: `{"/": "bafy..."}` is a CID,
 * `{"/": {"bytes": "..."}}` are bytes in base64 without padding.
 *
 * @throws ShardError MALFORMED or OVERSIZED, naming the field that is not valid
 */
export function manifestFromJson(json: unknown): Manifest {
  let value: unknown

  try {
    value = dagJson.parse(JSON.stringify(json))
  } catch (cause) {
    throw new ShardError('MALFORMED', `The manifest is not DAG-JSON: ${messageOf(cause)}.`, { cause })
  }

  return checkManifest(value)
}

/** The readable form of a manifest: indented DAG-JSON with a final newline. */
export function manifestToJson(manifest: Manifest): string {
  const text = dagJson.stringify(withoutUndefined(checkManifest(manifest)))
  return `${JSON.stringify(JSON.parse(text), null, 2)}\n`
}

async function blockCid(bytes: Uint8Array): Promise<CID> {
  return CID.createV1(dagCbor.code, await sha256.digest(bytes))
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.byteLength > MANIFEST_LIMITS.maxBytes) {
    throw new ShardError(
      'OVERSIZED',
      `The manifest has ${bytes.byteLength} bytes; at most ${MANIFEST_LIMITS.maxBytes} are allowed.`
    )
  }
}

/** IPLD has no `undefined`; an optional field that is undefined is not there. */
function withoutUndefined(manifest: Manifest): Manifest {
  const drop = <T extends object>(value: T): T =>
    Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T
  return drop({ ...manifest, target: drop(manifest.target), drafts: manifest.drafts.map(drop) })
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index])
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
