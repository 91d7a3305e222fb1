/** The addresses of the documents themselves. */
import * as z from 'zod'
import type { PlainOperation } from '../routes/operation.ts'

export const OPENAPI_VERSIONS = ['3.2', '3.1'] as const
export type OpenApiVersion = (typeof OPENAPI_VERSIONS)[number]

export const openApiQuery = z.object({
  version: z
    .enum(OPENAPI_VERSIONS)
    .default('3.2')
    .meta({ description: 'The version of OpenAPI: `3.1` is for generators that do not know 3.2.', examples: ['3.1'] }),
})

export const contractOperations: readonly PlainOperation[] = [
  {
    operationId: 'getOpenApi',
    tag: 'Contract',
    summary: 'Reads this document: OpenAPI 3.2, or 3.1.',
    right: 'Needs no token.',
    credentials: 'none',
    path: '/openapi.json',
    query: openApiQuery,
    errors: [],
    answer: { kind: 'document', of: 'openapi' },
  },
  {
    operationId: 'getAsyncApi',
    tag: 'Contract',
    summary: 'Reads the description of streams and sockets: AsyncAPI 3.0.',
    right: 'Needs no token.',
    credentials: 'none',
    path: '/asyncapi.json',
    errors: [],
    answer: { kind: 'document', of: 'asyncapi' },
  },
  {
    operationId: 'getEventSchema',
    tag: 'Contract',
    summary: 'Reads the JSON Schema of the payload of one event on one kind of channel.',
    right: 'Needs no token.',
    credentials: 'none',
    path: '/schemas/:kind/:file',
    errors: ['not_found'],
    answer: { kind: 'document', of: 'schema' },
  },
  {
    operationId: 'getDocs',
    tag: 'Contract',
    summary: 'Reads the page that is made from both documents.',
    right: 'Needs no token.',
    credentials: 'none',
    path: '/docs',
    errors: [],
    answer: { kind: 'document', of: 'page' },
  },
]
