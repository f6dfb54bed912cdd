import { CID } from 'multiformats/cid'
import { ApiError } from './api-error.ts'
import type { OfferedModel, ShimInit } from './types.ts'
import type { FastifyInstance } from 'fastify'

/** A model as `GET /v1/models` lists it: OpenAI's fields, and two of our own. */
export interface ListedModel {
  /** The name, or the CID where another model has the same name. */
  id: string
  object: 'model'
  /** Unix time, seconds; of this server's start, because manifests bear no date. */
  created: number
  owned_by: 'shard'
  cid: string
  shards: number
}

/** `GET /v1/models` and `GET /v1/models/{name or CID}`. */
export function addModelRoutes(app: FastifyInstance, models: ShimInit['models']): void {
  const created = Math.floor(Date.now() / 1000)
  app.get('/v1/models', async () => ({
    object: 'list',
    data: list(await models()).map((model) => toListed(model, created))
  }))
  app.get<{ Params: { '*': string } }>('/v1/models/*', async ({ params }) => {
    const wanted = params['*']
    const found = find(await models(), wanted)
    if (found == null) {
      throw unknownModel(wanted)
    }
    return toListed(found, created)
  })
}

/**
 * The model that a request names.
 *
 * @returns its CID, and the id under which it is listed
 * @throws ApiError 404. A CID that no Shard announces is no error here: the DHT may know one.
 */
export function resolveModel(models: OfferedModel[], wanted: string): { cid: CID; id: string } {
  const found = find(models, wanted)
  if (found != null) {
    return found
  }
  const cid = parseCid(wanted)
  if (cid == null) {
    throw unknownModel(wanted)
  }
  return { cid, id: wanted }
}

interface NamedModel extends OfferedModel {
  id: string
}

/** Of several models with one name the most served one keeps it. */
function list(models: OfferedModel[]): NamedModel[] {
  const names = new Set<string>()
  return models
    .toSorted((a, b) => b.shards - a.shards || (a.cid.toString() < b.cid.toString() ? -1 : 1))
    .map((model) => {
      const taken = names.has(model.name)
      names.add(model.name)
      return { ...model, id: taken ? model.cid.toString() : model.name }
    })
}

function find(models: OfferedModel[], wanted: string): NamedModel | undefined {
  const named = list(models)
  const cid = parseCid(wanted)
  return named.find(({ id }) => id === wanted) ?? named.find((model) => cid != null && model.cid.equals(cid))
}

function toListed({ id, cid, shards }: NamedModel, created: number): ListedModel {
  return { id, object: 'model', created, owned_by: 'shard', cid: cid.toString(), shards }
}

function parseCid(text: string): CID | undefined {
  try {
    return CID.parse(text)
  } catch {
    return undefined
  }
}

function unknownModel(wanted: string): ApiError {
  return new ApiError(
    404,
    `No Shard serves a model "${wanted.slice(0, 128)}" now; see /v1/models for those that are.`,
    {
      code: 'model_not_found',
      param: 'model'
    }
  )
}
