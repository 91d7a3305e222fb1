/** The operations of the API by their names, from the contract: what each takes, and where its fields go. */
import * as z from 'zod'
import { API_PREFIX } from '../../../shared/src/protocol.ts'
import { renderOpenApi } from '../../contract/index.ts'
import type { Method } from '../api/api.ts'

export interface Operation {
  readonly name: string
  readonly method: Method
  /** Below `/api/v1`, with its parameters in braces. */
  readonly path: string
  readonly summary: string
  readonly emits: readonly string[]
  readonly inPath: readonly string[]
  readonly inQuery: readonly string[]
  /** The fields of its body; undefined: it takes none. */
  readonly inBody: readonly string[] | undefined
}

/** Something with an operationId that is no request with a JSON answer under `/api/v1`: a stream, or a page for operators. */
export interface OtherOperation {
  readonly name: string
  readonly path: string
}

export interface Operations {
  /** In the order of the document. */
  readonly known: readonly Operation[]
  readonly others: readonly OtherOperation[]
}

const schemaNode = z.looseObject({
  $ref: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
})

const operationNode = z.looseObject({
  operationId: z.string(),
  summary: z.string(),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).optional(),
  requestBody: z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.unknown() })) }).optional(),
  responses: z.record(z.string(), z.looseObject({ content: z.record(z.string(), z.unknown()).optional() })),
  'x-emits': z.array(z.string()).optional(),
})
type OperationNode = z.infer<typeof operationNode>

const documentNode = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationNode)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
})
type Schemas = z.infer<typeof documentNode>['components']['schemas']

export function apiOperations(): Operations {
  const { paths, components } = documentNode.parse(JSON.parse(renderOpenApi('3.2')))
  const known: Operation[] = []
  const others: OtherOperation[] = []
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, node] of Object.entries(methods)) {
      if (isRequest(path, node)) known.push(operationOf(method, path, node, components.schemas))
      else others.push({ name: node.operationId, path })
    }
  }
  return { known, others }
}

function isRequest(path: string, { responses }: OperationNode): boolean {
  const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  return (
    path.startsWith(`${API_PREFIX}/`) &&
    answers.length > 0 &&
    answers.every(([status, { content = {} }]) => status === '204' || 'application/json' in content)
  )
}

function operationOf(method: string, path: string, node: OperationNode, schemas: Schemas): Operation {
  const { operationId, summary, parameters = [], requestBody, 'x-emits': emits = [] } = node
  const parametersIn = (place: string) => parameters.filter((each) => each.in === place).map(({ name }) => name)
  const body = requestBody?.content['application/json']?.schema
  return {
    name: operationId,
    method: method.toUpperCase() as Method,
    path: path.slice(API_PREFIX.length),
    summary,
    emits,
    inPath: parametersIn('path'),
    inQuery: parametersIn('query'),
    inBody: body === undefined ? undefined : [...new Set(fieldsIn(body, schemas))],
  }
}

/** Of all alternatives. */
function fieldsIn(schema: unknown, schemas: Schemas): string[] {
  const { data } = schemaNode.safeParse(schema)
  if (data === undefined) return []
  const { $ref, properties = {}, anyOf = [], oneOf = [], allOf = [] } = data
  const inner = [...anyOf, ...oneOf, ...allOf, ...($ref === undefined ? [] : [schemas[$ref.split('/').at(-1) ?? '']])]
  return [...Object.keys(properties), ...inner.flatMap((each) => fieldsIn(each, schemas))]
}
