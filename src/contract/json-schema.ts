/** JSON Schemas (2020-12) of the schemas that requests are parsed with and payloads are typed by. */
import * as z from 'zod'
import { namedSchemas } from '../../shared/src/names.ts'
import { anyJson, postedJson } from '../../shared/src/types/json.ts'
import { shownForm } from '../routes/batch.ts'

export type JsonSchema = { readonly [keyword: string]: unknown }
export type Direction = 'input' | 'output'

export const COMPONENTS = '#/components/schemas/'

/** zod's own also checks the days of each month. `format` says that. */
const TIMESTAMP = '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$'
/** Free JSON: the bounds of its depth cannot be expressed. */
const OPEN: ReadonlySet<unknown> = new Set([anyJson, postedJson])

/** Schemas by name: those that are declared, and more. */
export type SchemasByName = ReadonlyMap<string, z.ZodType>

export type MadeSchemas = Readonly<Record<string, (components: Components) => JsonSchema>>

/**
 * Converts schemas to components that refer to each other. A schema that is reached as input and as output must be the same
 * in both directions; it throws otherwise.
 */
export class Components {
  readonly #names = new Map<z.ZodType, string>()
  /** Second names of schemas, with the first. */
  readonly #aliases = new Map<string, string>()
  readonly #converted: Readonly<Record<Direction, Readonly<Record<string, JsonSchema>>>>
  readonly #used = new Map<string, JsonSchema>()
  readonly #made: MadeSchemas

  /** `made`: what takes the place of a schema with that name. */
  constructor(more: SchemasByName, made: MadeSchemas = {}) {
    this.#made = made
    const registry = z.registry<{ id: string }>()
    for (const [name, schema] of [...namedSchemas, ...more]) {
      const first = this.#names.get(schema)
      if (first !== undefined) {
        if (first !== name) this.#aliases.set(name, first)
        continue
      }
      this.#names.set(schema, name)
      registry.add(shownForm(schema), { id: name })
    }
    this.#converted = { input: convert(registry, 'input'), output: convert(registry, 'output') }
  }

  /** A reference to the component of a schema that has a name. */
  ref(schema: z.ZodType, direction: Direction): JsonSchema {
    const name = this.#names.get(schema)
    if (name === undefined) throw new Error('a schema of the contract has no name')
    return this.refTo(name, direction)
  }

  refTo(name: string, direction: Direction = 'output'): JsonSchema {
    const first = this.#aliases.get(name)
    if (first !== undefined) return this.add(name, this.refTo(first, direction))
    this.#use(name, direction)
    return { $ref: COMPONENTS + name }
  }

  /** Adds a component that no zod schema describes, and refers to it. */
  add(name: string, schema: JsonSchema): JsonSchema {
    const known = this.#used.get(name)
    if (known && JSON.stringify(known) !== JSON.stringify(schema)) throw new Error(`two components are named ${name}`)
    this.#used.set(name, schema)
    return { $ref: COMPONENTS + name }
  }

  /** All components that something refers to, by name. */
  get used(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#used].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #use(name: string, direction: Direction): void {
    const make = this.#made[name]
    if (make) {
      if (!this.#used.has(name)) this.#used.set(name, make(this))
      return
    }
    const schema = this.#converted[direction][name]
    if (!schema) throw new Error(`no schema is named ${name}`)
    const known = this.#used.get(name)
    if (known) {
      if (JSON.stringify(known) === JSON.stringify(schema)) return
      throw new Error(`${name} differs as input and as output`)
    }
    this.#used.set(name, schema)
    for (const inner of referredIn(schema)) this.#use(inner, direction)
  }
}

/** A schema without a name, such as that of a parameter. It may not contain one that has a name. */
export function inlineSchema(schema: z.ZodType, direction: Direction): JsonSchema {
  return cleaned(z.toJSONSchema(schema, { io: direction, unrepresentable: 'any', override })) as JsonSchema
}

function convert(registry: Parameters<typeof z.toJSONSchema>[0] & object, io: Direction) {
  const { schemas } = z.toJSONSchema(registry as z.core.$ZodRegistry<{ id: string }>, {
    io,
    uri: (id) => COMPONENTS + id,
    unrepresentable: 'any',
    override,
  })
  return cleaned(schemas) as Readonly<Record<string, JsonSchema>>
}

function override({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodType
  jsonSchema: Record<string, unknown>
}): void {
  if (OPEN.has(zodSchema)) for (const keyword of Object.keys(jsonSchema)) delete jsonSchema[keyword]
  else if (jsonSchema.format === 'date-time') {
    if (jsonSchema.pattern !== undefined && isToTheMillisecond(jsonSchema.pattern)) jsonSchema.pattern = TIMESTAMP
    else delete jsonSchema.pattern
  }
}

/** Whether the pattern is that of a time with exactly three digits of milliseconds. */
function isToTheMillisecond(pattern: unknown): boolean {
  return typeof pattern === 'string' && pattern.includes('\\.\\d{3}')
}

const DROPPED: ReadonlySet<string> = new Set(['$schema', '$id', 'readOnly', '~standard'])

/** Without what says nothing: the dialect, names that are repeated, texts of any length, keys that are text. */
function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(
    ([key, inner]) =>
      !DROPPED.has(key) &&
      !(key === 'minLength' && inner === 0) &&
      !(key === 'propertyNames' && JSON.stringify(inner) === '{"type":"string"}'),
  )
  return Object.fromEntries(kept.map(([key, inner]) => [key, cleaned(inner)]))
}

/** The names of the components that a schema refers to. */
function referredIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner.slice(COMPONENTS.length)] : referredIn(inner),
  )
}
