/** The answers of an operation: its own, and its errors. */
import type { ErrorCode, ErrorStatus } from '../../shared/src/errors.ts'
import { HEADER } from '../../shared/src/protocol.ts'
import type { OpenApiVersion } from './contract-operations.ts'
import { exampleProblem } from './errors-of.ts'
import { CURSOR_PATTERN, frameSchema } from './frames.ts'
import type { Components, JsonSchema } from './json-schema.ts'
import type { Operation } from './operations.ts'
import { pascalCase } from './payloads.ts'
import { problem } from './problem.ts'
import { streamExample } from './stream-examples.ts'

type Json = Readonly<Record<string, unknown>>

export const HEADERS: Readonly<Record<string, Json>> = {
  RequestId: header('The id of the request, for logs.', { type: 'string', minLength: 1, maxLength: 128 }),
  Node: header('The name of the node that answers.', { type: 'string' }),
  EventId: header('The id of the last event that was committed, or the newest id if there was none.', {
    type: 'string',
    pattern: CURSOR_PATTERN,
  }),
  NewestId: header(
    'The newest id, as nothing was committed. It is missing if the request could not be read.',
    { type: 'string', pattern: CURSOR_PATTERN },
    false,
  ),
  Cursor: header('The id that the answer is exact at.', { type: 'string', pattern: CURSOR_PATTERN }),
  IdempotencyReplayed: header('The answer is the first one to this key.', { const: 'true' }, false),
  RetryAfter: header('Seconds after which to try again.', { type: 'integer', minimum: 1 }),
  Challenge: header('How to authenticate.', { type: 'string' }),
  ETag: header('Of these bytes.', { type: 'string' }),
  Upgrade: header('What the connection is upgraded to.', { const: 'websocket' }),
  Connection: header('That the header `Upgrade` is of this connection.', { const: 'Upgrade' }),
  Accept: header('The answer to `Sec-WebSocket-Key` (RFC 6455, 4.2.2).', {
    type: 'string',
    minLength: 28,
    maxLength: 28,
  }),
}

const TITLES: Readonly<Record<number, string>> = {
  101: 'The socket is open.',
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted.',
  204: 'Deleted.',
  304: 'Not changed since.',
  400: 'The request is malformed.',
  401: 'The credential is missing or not valid.',
  403: 'The right is missing.',
  404: 'There is no such thing.',
  408: 'The request did not arrive in time.',
  409: 'The state of things does not allow it.',
  413: 'The request is too large.',
  415: 'The body is of another type.',
  422: 'The body is not valid.',
  426: 'The request is not an upgrade.',
  429: 'Too many requests.',
  500: 'Something went wrong here.',
  503: 'Not at the moment.',
}

/** Of documents: their own specifications say what is in them. */
const DOCUMENTS = {
  openapi: documentMedia('application/json', 'openapi', '3.2.0'),
  asyncapi: documentMedia('application/json', 'asyncapi', '3.0.0'),
  schema: documentMedia('application/schema+json', '$schema', 'https://json-schema.org/draft/2020-12/schema'),
  page: { type: 'text/html; charset=utf-8', schema: { type: 'string' }, example: '<!doctype html>…' },
} as const

/** How examples are written: 3.1 knows `value` alone. */
export function exampleOf(version: OpenApiVersion, value: unknown): Json {
  return version === '3.1' ? { value } : { dataValue: value }
}

export function responsesOf(
  operation: Operation,
  components: Components,
  version: OpenApiVersion,
  shared: Map<string, Json>,
): Json {
  const own = operation.statuses.map((status) => [status, ownResponse(operation, status, components, version)] as const)
  const errors = [...operation.errors].map(
    ([status, codes]) => [status, problemResponse(operation, status, codes, components, version, shared)] as const,
  )
  const unchanged = operation.answer?.kind === 'document' ? [[304, unchangedResponse()] as const] : []
  return Object.fromEntries([...own, ...unchanged, ...errors].map(([status, response]) => [String(status), response]))
}

function ownResponse(operation: Operation, status: number, components: Components, version: OpenApiVersion): Json {
  const { answer, isMutation, takesKey, path } = operation
  const isRead = !isMutation && answer?.kind === 'json' && path.startsWith('/api/')
  const headers = {
    ...refs('X-Request-Id', 'RequestId'),
    ...refs(HEADER.node, 'Node'),
    ...(isMutation && refs(HEADER.eventId, 'EventId')),
    ...(takesKey && refs(HEADER.idempotencyReplayed, 'IdempotencyReplayed')),
    ...(isRead && refs(HEADER.cursor, 'Cursor')),
    ...(answer?.kind === 'document' && refs('ETag', 'ETag')),
    ...(answer?.kind === 'upgrade' && { ...UPGRADE, ...refs('Sec-WebSocket-Accept', 'Accept') }),
  }
  const content = contentOf(operation, components, version)
  return { description: TITLES[status] ?? '', headers, ...(content && { content }) }
}

function contentOf({ answer, operationId }: Operation, components: Components, version: OpenApiVersion): Json | null {
  switch (answer?.kind) {
    case undefined:
    case 'upgrade':
      return null
    case 'json':
      return {
        'application/json': {
          schema: components.ref(answer.schema, 'output'),
          examples: { [operationId]: exampleOf(version, answer.example) },
        },
      }
    case 'text':
      return {
        [answer.contentType]: {
          schema: { type: 'string' },
          examples: { [operationId]: exampleOf(version, answer.example) },
        },
      }
    case 'document': {
      const { type, schema, example } = DOCUMENTS[answer.of]
      return { [type]: { schema, examples: { [operationId]: exampleOf(version, example) } } }
    }
    case 'stream': {
      const schema = frameSchema(components, answer.of, version === '3.1' ? 'parsed' : 'text')
      const keyword = version === '3.1' ? 'schema' : 'itemSchema'
      return { 'text/event-stream': { [keyword]: schema, examples: streamExample(answer.of, version) } }
    }
  }
}

function problemResponse(
  { isMutation }: Operation,
  status: ErrorStatus,
  codes: readonly ErrorCode[],
  components: Components,
  version: OpenApiVersion,
  shared: Map<string, Json>,
): Json {
  const base = components.ref(problem, 'output')
  const schema: JsonSchema = {
    allOf: [base],
    type: 'object',
    properties: { status: { const: status }, code: { enum: codes } },
    ...(status === 422 ? { required: ['errors'] } : { not: { required: ['errors'] } }),
  }
  const name = pascalCase(codes.join('_or_')) + (isMutation ? 'OfMutation' : '')
  shared.set(name, {
    description: TITLES[status] ?? '',
    headers: {
      ...refs('X-Request-Id', 'RequestId'),
      ...refs(HEADER.node, 'Node'),
      ...(isMutation && refs(HEADER.eventId, 'NewestId')),
      ...(status === 426 && UPGRADE),
      ...((status === 429 || status === 503) && refs(HEADER.retryAfter, 'RetryAfter')),
      ...(status === 401 && refs('WWW-Authenticate', 'Challenge')),
    },
    content: {
      'application/problem+json': {
        schema,
        examples: Object.fromEntries(codes.map((code) => [code, exampleOf(version, exampleProblem(code))])),
      },
    },
  })
  return { $ref: `#/components/responses/${name}` }
}

function unchangedResponse(): Json {
  const headers = { ...refs('X-Request-Id', 'RequestId'), ...refs(HEADER.node, 'Node'), ...refs('ETag', 'ETag') }
  return { description: TITLES[304] ?? '', headers }
}

function refs(field: string, name: string): Json {
  return { [field]: { $ref: `#/components/headers/${name}` } }
}

const UPGRADE: Json = { ...refs('Upgrade', 'Upgrade'), ...refs('Connection', 'Connection') }

function header(description: string, schema: JsonSchema, required = true): Json {
  return { description, ...(required && { required }), schema }
}

/** An object of which one field is fixed. */
function documentMedia(type: string, field: string, version: string) {
  const schema = { type: 'object', properties: { [field]: { type: 'string' } }, required: [field] }
  return { type, schema, example: { [field]: version } }
}
