/**
 * Writes shard-tiny.json, the manifest of the embedded pair, from the files themselves:
 *
 *     npm run build:manifest -w models
 *
 * Run it after a GGUF file has changed, and commit the result: the model has a new id then.
 */

import { createReadStream, openAsBlob } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { encodeManifest, manifestToJson, readGgufTokenizer, tokenizerHash, UNIXFS_IMPORT } from '@shard/protocol/model'
import { BlackHoleBlockstore } from 'blockstore-core/black-hole'
import { importByteStream } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import type { Manifest, ModelFile } from '@shard/protocol/model'
import type { CID } from 'multiformats/cid'

const folder = new URL('../', import.meta.url)

export async function makeManifest(): Promise<Manifest> {
  const target = await modelFile('shard-tiny-q4_0.gguf', 'Q4_0')
  const draft = await modelFile('shard-tiny-draft-q8_0.gguf', 'Q8_0')

  if (!target.tokenizer.every((byte, index) => byte === draft.tokenizer[index])) {
    throw new Error('The target and its draft have different tokenizers; export both with the same one.')
  }

  return {
    version: 1,
    name: 'shard-tiny',
    family: 'llama',
    license: 'CC-BY-SA-4.0',
    contextLength: 2048,
    tokenizer: target.tokenizer,
    target: target.file,
    drafts: [{ ...draft.file, name: 'shard-tiny-draft', engine: 'gguf' }]
  }
}

async function modelFile(name: string, quantization: string): Promise<{ file: ModelFile; tokenizer: Uint8Array }> {
  const path = fileURLToPath(new URL(name, folder))
  const { size } = await stat(path)

  return {
    file: { cid: await fileCid(path), bytes: size, format: 'gguf', quantization },
    tokenizer: await tokenizerHash(await readGgufTokenizer(await openAsBlob(path)))
  }
}

/** The CID of a file by the rule of docs/MODELS.md; its blocks are thrown away. */
async function fileCid(path: string): Promise<CID> {
  const { chunkSize, maxChildrenPerNode, ...options } = UNIXFS_IMPORT
  const { cid } = await importByteStream(createReadStream(path), new BlackHoleBlockstore(), {
    ...options,
    chunker: fixedSize({ chunkSize }),
    layout: balanced({ maxChildrenPerNode })
  })
  return cid
}

if (import.meta.main) {
  const manifest = await makeManifest()
  await writeFile(new URL('shard-tiny.json', folder), manifestToJson(manifest))
  const { cid, bytes } = await encodeManifest(manifest)
  console.info(`${manifest.name} is ${cid.toString()}, a block of ${bytes.byteLength} bytes`)
}
