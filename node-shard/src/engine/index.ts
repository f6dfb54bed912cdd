/**
 * @packageDocumentation
 *
 * Models in llama.cpp, through node-llama-cpp: {@link Target} verifies, {@link LlamaDraftEngine} drafts.
 */

export { loadBackend } from './backend.ts'
export { LlamaDraftEngine } from './draft-engine.ts'
export { Target } from './target.ts'
