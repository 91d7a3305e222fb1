/** What the page reads of the two documents. */

export type Schema = Readonly<Record<string, unknown>>

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
  readonly example?: unknown
}

export interface Example {
  readonly dataValue: unknown
  /** The text of a stream. */
  readonly serializedValue?: string
}

export interface Media {
  readonly schema?: Schema
  readonly itemSchema?: Schema
  readonly examples: Readonly<Record<string, Example>>
}

export interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, Media>>
}

export interface OperationObject {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  /** The right that it needs. */
  readonly description: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, Response | Reference>>
  readonly security: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly 'x-emits'?: readonly string[]
}

export interface Operation extends OperationObject {
  readonly method: string
  readonly path: string
}

export interface OpenApiDocument {
  readonly info: { readonly version: string; readonly description: string }
  readonly tags: ReadonlyArray<{ readonly name: string; readonly description: string }>
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly responses: Readonly<Record<string, Response>>
    readonly securitySchemes: Readonly<Record<string, { readonly description: string }>>
  }
}

export interface MessageObject {
  readonly name?: string
  readonly summary: string
  readonly payload: Schema
  readonly examples: ReadonlyArray<{
    readonly name?: string
    readonly headers?: Readonly<Record<string, string | number>>
    readonly payload: unknown
  }>
  /** Not on messages of sockets that are no events. */
  readonly 'x-channel'?: string
  readonly 'x-domain-event'?: string | readonly string[]
  readonly 'x-stored'?: boolean
  readonly 'x-view'?: string
}

export interface ChannelObject {
  readonly address: string
  readonly title: string
  readonly summary: string
  readonly description: string
  readonly servers: readonly Reference[]
  readonly messages: Readonly<Record<string, MessageObject>>
  readonly bindings?: { readonly ws: Binding }
}

export interface AsyncApiDocument {
  readonly channels: Readonly<Record<string, ChannelObject>>
  readonly operations: Readonly<
    Record<string, { readonly channel: Reference; readonly bindings?: { readonly http: Binding } }>
  >
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

interface Binding {
  readonly query: Schema
}

interface Reference {
  readonly $ref: string
}

export interface Documents {
  readonly openApi: OpenApiDocument
  readonly asyncApi: AsyncApiDocument
}

export function operationsOf({ paths }: OpenApiDocument): readonly Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, method, path })),
  )
}

/** The response for a status, with what it refers to. */
export function responsesOf({ components }: OpenApiDocument, { responses }: OperationObject): Map<number, Response> {
  return new Map(
    Object.entries(responses).map(([status, response]) => [
      Number(status),
      '$ref' in response ? (components.responses[nameOf(response.$ref)] as Response) : response,
    ]),
  )
}

/** The last step of a reference. */
export function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1)
}
