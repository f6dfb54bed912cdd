import { ApiError } from './api-error.ts'
import type { FastifyInstance } from 'fastify'

/** `POST /v1/embeddings`: an error that clients understand, since Shards serve models that generate. */
export function addEmbeddingsRoute(app: FastifyInstance): void {
  app.post('/v1/embeddings', async () => {
    throw new ApiError(
      404,
      'No Shard of this swarm serves an embedding model; use a server of embeddings for this, and Shard for chats.',
      { code: 'model_not_found', param: 'model' }
    )
  })
}
