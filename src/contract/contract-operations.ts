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
    summary: 'Reads this document.',
    right: 'Needs no token.',
    credentials: 'none',
    path: '/openapi.json',
    query: openApiQuery,
    errors: [],
    answer: { kind: 'document' },
  },
]
