/**
 * @packageDocumentation
 *
 * What a model is: its manifest, the rule for the CIDs of its files, its tokenizer and its vocabulary. See
 * docs/MODELS.md.
 *
 * @example
 *
 * ```TypeScript
 * import { decodeManifest, readGgufTokenizer, TokenText, Vocabulary } from '@shard/protocol/model'
 *
 * const manifest = await decodeManifest(block, cid)
 * const vocabulary = new Vocabulary(await readGgufTokenizer(file))
 * const text = new TokenText(vocabulary)
 * console.info(manifest.name, text.push(tokens) + text.flush())
 * ```
 */

export { GGUF_LIMITS, MAX_ORIGIN_LENGTH, MAX_ORIGINS } from './constants.ts'
export { checkGgufHeader } from './gguf-check.ts'
export { readGgufTokenizer } from './gguf.ts'
export { decodeManifest, encodeManifest, manifestFromJson, manifestToJson } from './manifest.ts'
export { TokenText } from './token-text.ts'
export { TOKEN_TYPES, tokenizerHash } from './tokenizer.ts'
export { UNIXFS_IMPORT } from './unixfs.ts'
export { Vocabulary } from './vocabulary.ts'
export type { GgufSummary } from './gguf-check.ts'
export type { DraftBuild, GgufDraft, Manifest, ModelFile } from './manifest.ts'
export type { GgmlTokenizer } from './tokenizer.ts'
