import { readFile } from 'node:fs/promises'
import { decodeManifest, encodeManifest, manifestFromJson, manifestToJson } from '@shard/protocol/model'
import { BlackHoleBlockstore } from 'blockstore-core/black-hole'
import { importFile } from 'ipfs-unixfs-importer'
import { expect, it } from 'vitest'
import { makeManifest } from './manifest.ts'

const text = await readFile(new URL('../shard-tiny.json', import.meta.url), 'utf8')

it('the manifest names the files as they are', async () => {
  expect(text, 'a file has changed: npm run build:manifest -w models').toBe(manifestToJson(await makeManifest()))
})

it('the manifest is a valid block', async () => {
  const manifest = manifestFromJson(JSON.parse(text))
  const { cid, bytes } = await encodeManifest(manifest)
  expect(await decodeManifest(bytes, cid)).toEqual(manifest)
  expect(manifest.drafts.length).toBe(1)
})

it('the CIDs are those of the profile unixfs-v1-2025', async () => {
  const { target, drafts } = manifestFromJson(JSON.parse(text))

  for (const [name, cid] of [
    ['shard-tiny-q4_0.gguf', target.cid],
    ['shard-tiny-draft-q8_0.gguf', drafts[0]?.cid]
  ] as const) {
    const content = await readFile(new URL(`../${name}`, import.meta.url))
    const imported = await importFile({ content }, new BlackHoleBlockstore(), { profile: 'unixfs-v1-2025' })
    expect(cid?.toString()).toBe(imported.cid.toString())
  }
})
