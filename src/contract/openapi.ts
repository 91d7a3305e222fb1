/** The OpenAPI document: a pure function of the routes and of the catalogue. */
import packageJson from '../../package.json' with { type: 'json' }
import { HEADER } from '../../shared/src/protocol.ts'
import type { DeclaredRoute } from '../routes/declared.ts'
import { TAGS } from '../routes/operation.ts'
import type { OpenApiVersion } from './contract-operations.ts'
import { exactEnvelope } from './frames.ts'
import { Components, inlineSchema, type JsonSchema } from './json-schema.ts'
import { type Operation, operationsOf } from './operations.ts'
import { PATH_PARAMETERS } from './parameters.ts'
import { pascalCase, payloadSchemas } from './payloads.ts'
import { exampleOf, HEADERS, responsesOf } from './responses.ts'
import { securitySchemes } from './security.ts'
import { controlEvents, unstoredEvents } from './stream-events.ts'

type Json = Readonly<Record<string, unknown>>

const NUMBERS: Readonly<Record<OpenApiVersion, string>> = { '3.2': '3.2.0', '3.1': '3.1.1' }

const DESCRIPTION = `A self-hosted event hub for boards that software agents work on. Commands are HTTP requests; everything that they change
arrives as events on streams (\`/sse\`) and sockets (\`/ws\`).

Every GET is answered to HEAD as well, without the body. Answers have \`X-Request-Id\`; a mutation has \`Event-Id\`, with which a
listener knows that it has seen its effect. Unknown fields of a body are refused, unknown query parameters are ignored.

Streams and sockets, with every message on them, are in \`/asyncapi.json\`. An upgrade at \`/\` is the same as at \`/ws\`.

All other paths are the web app: its pages (\`/\`, \`/boards/...\`) and \`/assets/\`; \`/docs/\` has the files of the page
\`/docs\`. Socket.IO 4 clients connect to
\`/socket.io/\` where that is switched on. Neither is described here.`

/** Made anew at each call. */
export function openApiDocument(routes: readonly DeclaredRoute[], version: OpenApiVersion): Json {
  const operations = operationsOf(routes)
  const components = new Components(allSchemas(), { Envelope: exactEnvelope })
  const responses = new Map<string, Json>()
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    const item = paths[operation.path] ?? {}
    item[operation.method] = operationObject(operation, { components, version, responses })
    paths[operation.path] = item
  }
  return {
    openapi: NUMBERS[version],
    info: { title: 'Boardcast', version: packageJson.version, description: DESCRIPTION },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: components.used,
      responses: Object.fromEntries([...responses].sort(([a], [b]) => (a < b ? -1 : 1))),
      headers: HEADERS,
      securitySchemes: securitySchemes('apiKey'),
    },
  }
}

/** Payloads of events, control events and snapshots, beside the schemas that have names where they are declared. */
export function allSchemas() {
  const schemas = new Map(payloadSchemas)
  for (const [event, { schema }] of Object.entries(controlEvents)) schemas.set(pascalCase(event), schema)
  for (const { event, schema } of unstoredEvents) schemas.set(pascalCase(event), schema)
  return schemas
}

interface Making {
  readonly components: Components
  readonly version: OpenApiVersion
  readonly responses: Map<string, Json>
}

function operationObject(operation: Operation, { components, version, responses }: Making): Json {
  const { operationId, tag, summary, right, body, emits, credentials } = operation
  const parameters = parametersOf(operation)
  return {
    operationId,
    tags: [tag],
    summary,
    description: right,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: body.isRequired,
        content: {
          'application/json': {
            schema: components.ref(body.schema, 'input'),
            examples: { [operationId]: exampleOf(version, body.example) },
          },
        },
      },
    }),
    responses: responsesOf(operation, components, version, responses),
    security: SECURITY[credentials],
    ...(emits && { 'x-emits': emits }),
  }
}

function parametersOf({ path, query, takesKey, takesCursor }: Operation): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => pathParameter(name))
  const headers = [
    ...(takesKey
      ? [
          headerParameter(HEADER.idempotencyKey, 'The same key and body get the first answer again.', {
            schema: { type: 'string', minLength: 1, maxLength: 255 },
            example: '0192f3a4-5b6c-7d8e-9f00-0000000000ff',
          }),
        ]
      : []),
    ...(takesCursor
      ? [
          headerParameter(HEADER.lastEventId, 'The id of the last event that was received, to resume after it.', {
            schema: { type: 'string' },
            example: '5f3a9c1e-42',
          }),
        ]
      : []),
  ]
  return [...inPath, ...(query ? queryParameters(inlineSchema(query, 'input')) : []), ...headers]
}

function pathParameter(name: string): Json {
  const parameter = PATH_PARAMETERS[name]
  if (!parameter) throw new Error(`the parameter ${name} is not in PATH_PARAMETERS (src/contract/parameters.ts)`)
  const { schema, description, example } = parameter
  return { name, in: 'path', required: true, description, schema: inlineSchema(schema, 'input'), example }
}

function queryParameters(schema: JsonSchema): Json[] {
  const { properties = {}, required = [] } = schema as {
    properties?: Readonly<Record<string, JsonSchema>>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, property]) => {
    const { description, examples, ...rest } = property
    const example = Array.isArray(examples) ? examples[0] : rest.default
    return { name, in: 'query', required: required.includes(name), description, schema: rest, example }
  })
}

function headerParameter(name: string, description: string, more: { schema: JsonSchema; example: string }): Json {
  return { name, in: 'header', required: false, description, ...more }
}

const SECURITY: Readonly<Record<Operation['credentials'], readonly object[]>> = {
  none: [],
  header: [{ bearer: [] }, { cookie: [] }, {}],
  anywhere: [{ bearer: [] }, { cookie: [] }, { ticket: [] }, { token: [] }, {}],
}
