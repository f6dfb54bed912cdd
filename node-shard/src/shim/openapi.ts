import { z } from 'zod'
import { chatBody } from './chat-request.ts'
import { responsesBody } from './responses-request.ts'
import { OR_TEXT } from './schema.ts'
import { textBody } from './text-request.ts'
import { workBody } from './work.ts'

const errorBody = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.enum(['invalid_request_error', 'server_error']),
      param: z.string().nullable(),
      code: z.string().nullable()
    })
  })
  .meta({ id: 'Error' })

/** The API in OpenAPI 3.1, whose schemas are those that requests are checked with. */
export function openApi(withKey: boolean): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Shard',
      version: '1',
      description: 'The swarm behind OpenAI’s API. What is not supported is refused, never ignored.'
    },
    ...(withKey ? { security: [{ key: [] }] } : {}),
    paths: {
      '/v1/models': { get: operation('listModels', 'The models that Shards serve now') },
      '/v1/models/{id}': {
        get: {
          ...operation('retrieveModel', 'One of them'),
          parameters: [
            { name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'A name or a CID' }
          ]
        }
      },
      '/v1/chat/completions': {
        post: operation('createChatCompletion', 'Answers to a conversation', chatBody, true)
      },
      '/v1/completions': { post: operation('createCompletion', 'Text that continues prompts', textBody, true) },
      '/v1/responses': { post: operation('createResponse', 'An answer; nothing is stored', responsesBody, true) },
      '/broadcast-work': { post: operation('broadcastWork', 'Starts an answer that is polled for', workBody) },
      '/health': { get: operation('health', 'Whether the server is well') },
      '/metrics': { get: operation('metrics', 'Counts, for Prometheus', undefined, false, 'text/plain') }
    },
    components: {
      schemas: { Error: schemaOf(errorBody) },
      ...(withKey ? { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } } : {})
    }
  }
}

function operation(
  operationId: string,
  summary: string,
  body?: z.ZodType,
  streams = false,
  type = 'application/json'
): object {
  return {
    operationId,
    summary,
    ...(body == null
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: {
      200: {
        description: 'OK',
        content: {
          [type]: {},
          ...(streams ? { 'text/event-stream': {} } : {})
        }
      },
      default: {
        description: 'An error, in OpenAI’s shape',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
      }
    }
  }
}

function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema[OR_TEXT] === true) {
        const { [OR_TEXT]: _mark, ...list } = jsonSchema
        for (const key of Object.keys(jsonSchema)) {
          Reflect.deleteProperty(jsonSchema, key)
        }
        jsonSchema.anyOf = [{ type: 'string' }, list]
      }
    }
  })
  return made
}
