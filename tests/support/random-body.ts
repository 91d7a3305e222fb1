/** Random bodies for a route, from the schema that it declares: every field, with text of every kind in it. */
import fc from 'fast-check'
import * as z from 'zod'
import type { Scene } from './rights-scene.ts'

/** A part of a JSON schema. */
interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | false
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly format?: string
  readonly $ref?: string
}

/** Text that databases, encodings and orders treat in different ways. */
const PIECES = ['\0', '\x01', '\x02', '\x01\x01', '\x7f', '\n', '\r', '\u0085', '\u2028', '\ufeff', ' ', 'a', 'B', 'b']
  .concat(['_', 'é', 'e\u0301', 'ß', 'ﬀ', '€', '😀', "'", '"', '\\', '\\x00', '$1', '?', '%', '{}', '--'])
  .concat(['\ud83d', '\ude00'])

/** Any text, lone surrogates included. */
export const anyText = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: fc.constantFrom(...PIECES).map((piece) => piece.repeat(200)) },
)
const wellFormed = anyText.map((text) => text.toWellFormed())
const anyJson = fc.jsonValue({ maxDepth: 2, stringUnit: fc.constantFrom(...PIECES) })

/** Takes the place of an id, which is another one on every server. */
class Reference {
  readonly to: keyof Scene

  constructor(to: keyof Scene) {
    this.to = to
  }
}

const REFERENCES: Readonly<Record<string, keyof Scene>> = {
  agent: 'agent',
  agent_id: 'agent',
  agentId: 'agent',
  assignedAgentId: 'agent',
  attemptId: 'attempt',
  blocked_by: 'otherSubtask',
  boardId: 'board',
  columnId: 'column',
  dependsOn: 'otherCard',
  from_agent: 'agent',
  profileId: 'profile',
  session_id: 'session',
  sessionId: 'session',
  to_agent: 'agent',
  topic: 'topic',
}

/** Bodies that the schema allows, and some that it does not. */
export function bodiesOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  return valuesOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema)
}

/** The body for a server with this scene. */
export function bodyFor(scene: Scene, body: unknown): unknown {
  if (body instanceof Reference) return scene[body.to]
  if (Array.isArray(body)) return body.map((one) => bodyFor(scene, one))
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(Object.entries(body).map(([name, one]) => [name, bodyFor(scene, one)]))
}

function valuesOf(schema: Schema, name = ''): fc.Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return fc.oneof(...choices.map((choice) => valuesOf(choice, name)))
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  switch (schema.type) {
    case 'object':
      return objectOf(schema)
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}, name), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, (schema.minItems ?? 0) + 3),
      })
    case 'string':
      return textOf(schema, name)
    case 'integer':
      // A message that expires is an event of its own, some time.
      if (name === 'ttl_seconds') return fc.integer({ min: 3_600, max: 86_400 })
      return fc.integer({ min: schema.minimum ?? -9, max: Math.min(schema.maximum ?? 9, Number.MAX_SAFE_INTEGER) })
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    default:
      return anyJson
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema, name)] as const)
  if (fields.length === 0 && additionalProperties) return fc.dictionary(wellFormed, anyJson, { maxKeys: 3 })
  return fc.record(Object.fromEntries(fields), { requiredKeys: required.filter((name) => name in properties) })
}

function textOf({ minLength = 0, maxLength = Infinity, pattern, format }: Schema, name: string): fc.Arbitrary<unknown> {
  if (format === 'date-time') return fc.constantFrom('2026-01-31T12:00:00Z', '2024-02-29T23:59:59.123+02:00')
  if (format === 'uri') return fc.constantFrom('https://example.com/a', 'https://example.com/?q=%00#é')
  const reference = REFERENCES[name]
  const free = pattern === undefined ? wellFormed : fc.stringMatching(new RegExp(pattern), { size: 'small' })
  const fitting = free.filter(({ length }) => length >= minLength && length <= maxLength)
  return fc.oneof(
    { weight: 8, arbitrary: fitting },
    { weight: 1, arbitrary: anyText },
    ...(reference ? [{ weight: 24, arbitrary: fc.constant(new Reference(reference)) }] : []),
  )
}
