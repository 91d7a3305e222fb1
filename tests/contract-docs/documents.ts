/** Validators for the contract: of the documents by their specifications, and of payloads by the documents. */
import { readFileSync } from 'node:fs'
import { Ajv, type Options } from 'ajv'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { type OpenApiVersion, renderAsyncApi, renderOpenApi } from '../../src/contract/index.ts'

export type Json = Readonly<Record<string, unknown>>

export interface Media {
  readonly schema?: Json
  readonly itemSchema?: Json
  readonly examples: Readonly<Record<string, { dataValue?: unknown; value?: unknown; serializedValue?: string }>>
}

export interface OperationObject {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters?: ReadonlyArray<{ name: string; in: string; schema: Json; example: unknown; required: boolean }>
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, Json>>
  readonly security: readonly Json[]
  readonly 'x-emits'?: readonly string[]
}

export interface OpenApi {
  readonly openapi: string
  readonly tags: ReadonlyArray<{ readonly name: string; readonly description: string }>
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, Json>>>>
}

export interface AsyncMessage {
  readonly name?: string
  readonly title: string
  readonly summary: string
  readonly contentType: string
  readonly headers?: Json
  readonly payload: Json
  readonly examples: ReadonlyArray<{ readonly name?: string; readonly headers?: Json; readonly payload: unknown }>
  readonly 'x-channel'?: string
  readonly 'x-domain-event'?: string | readonly string[]
  readonly 'x-stored'?: boolean
  readonly 'x-view'?: string
}

export interface AsyncChannel {
  readonly address: string
  readonly description: string
  readonly servers: ReadonlyArray<{ readonly $ref: string }>
  readonly messages: Readonly<Record<string, AsyncMessage>>
  readonly parameters?: Json
  readonly bindings?: { readonly ws: { readonly query: QueryObject; readonly headers: Json } }
}

export interface AsyncOperation {
  readonly action: 'send' | 'receive'
  readonly channel: { readonly $ref: string }
  readonly messages: ReadonlyArray<{ readonly $ref: string }>
  readonly reply?: { readonly channel: { readonly $ref: string }; readonly messages: ReadonlyArray<{ $ref: string }> }
  readonly security: ReadonlyArray<{ readonly $ref: string }>
  readonly bindings?: { readonly http: { readonly query: QueryObject } }
}

export interface QueryObject {
  readonly properties: Readonly<Record<string, Json>>
  readonly required?: readonly string[]
}

export interface AsyncApi {
  readonly asyncapi: string
  readonly info: Json
  readonly servers: Readonly<Record<string, Json>>
  readonly channels: Readonly<Record<string, AsyncChannel>>
  readonly operations: Readonly<Record<string, AsyncOperation>>
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly securitySchemes: Json }
}

export interface Operation extends OperationObject {
  readonly method: string
  readonly path: string
}

export function openApi(version: OpenApiVersion): OpenApi {
  return JSON.parse(renderOpenApi(version)) as OpenApi
}

export function operations({ paths }: OpenApi): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, method, path })),
  )
}

/** The response that a document has for a status, with what it refers to. */
export function responseOf({ components }: OpenApi, { responses }: Operation, status: number) {
  const response = responses[String(status)]
  const ref = response?.$ref as string | undefined
  return (ref ? components.responses?.[ref.split('/').at(-1) ?? ''] : response) as
    | { content?: Readonly<Record<string, Media>>; headers: Json }
    | undefined
}

const OPTIONS = { strict: false, allErrors: false, validateFormats: true } as const

/** Compiling takes longer than all validation: schemas are checked apart from this, and code is not optimized. */
const COMPILED_ONCE = { validateSchema: false, addUsedSchema: false, code: { optimize: false } } as const

export function newAjv(more: Options = {}): Ajv2020 {
  const ajv = new Ajv2020({ ...OPTIONS, ...more })
  addFormats.default(ajv)
  ajv.addFormat('media-range', true)
  return ajv
}

/** Of the dialect of AsyncAPI. */
export function newDraft07(more: Options = {}): Ajv {
  const ajv = new Ajv({ ...OPTIONS, ...more })
  addFormats.default(ajv)
  return ajv
}

/** Validates by the official schema of a version. */
export function specification(version: OpenApiVersion): ValidateFunction {
  const path = new URL(`./schemas/openapi-${version}.json`, import.meta.url)
  // Schemas are checked by their dialect apart from this. ajv resolves this `$dynamicRef` to another anchor.
  const text = readFileSync(path, 'utf8').replaceAll(/"\$dynamicRef": *"#meta"/g, '"$ref": "#/$defs/schema"')
  return newAjv(COMPILED_ONCE).compile(JSON.parse(text))
}

/** Validates by the official schema of AsyncAPI. */
export function asyncSpecification(): ValidateFunction {
  const path = new URL('./schemas/asyncapi-3.0.json', import.meta.url)
  return newDraft07(COMPILED_ONCE).compile(JSON.parse(readFileSync(path, 'utf8')))
}

export function asyncApi(): AsyncApi {
  return JSON.parse(renderAsyncApi()) as AsyncApi
}

/** Compiles schemas of a document, in which references lead to its components. */
export function compiler({ components }: OpenApi | AsyncApi, isDraft07 = false): (schema: Json) => ValidateFunction {
  const ajv = isDraft07 ? newDraft07(COMPILED_ONCE) : newAjv(COMPILED_ONCE)
  for (const [name, schema] of Object.entries(components.schemas ?? {}))
    ajv.addSchema(absolute(schema) as Json, idOf(name))
  const compiled = new Map<string, ValidateFunction>()
  return (schema) => {
    const key = JSON.stringify(schema)
    const validate = compiled.get(key) ?? ajv.compile(absolute(schema) as Json)
    compiled.set(key, validate)
    return validate
  }
}

const COMPONENTS = '#/components/schemas/'
const idOf = (name: string) => `contract:${name}`

function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === '$ref' && typeof inner === 'string'
        ? [key, idOf(inner.slice(COMPONENTS.length))]
        : [key, absolute(inner)],
    ),
  )
}

/** Every reference in a document. */
export function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  )
}

/** What a reference leads to. */
export function resolve(document: unknown, reference: string): unknown {
  const steps = reference.slice('#/'.length).split('/')
  return steps.reduce<unknown>((at, step) => (at as Json | undefined)?.[step.replaceAll('~1', '/')], document)
}
