/** Conditions that no event of the catalogue can meet, such as one on a field that its event never has. */
import * as z from 'zod'
import type { Condition } from '../../expect/conditions/condition.ts'
import { type Path, parsePath } from '../../expect/conditions/path.ts'
import { nearest } from '../../text/nearest.ts'
import { kindsOf, schemasOf } from './frame-schema.ts'

type Step = Path['steps'][number]

/**
 * A sentence for each such condition on events with this name. None for a GLOB or a name that the catalogue does not have:
 * clients may post those, with any payload.
 */
export function impossibleConditions(
  type: string,
  conditions: readonly Condition[],
  channels: readonly string[],
): string[] {
  const schemas = [...kindsOf(channels)].flatMap((kind) => schemasOf(kind, type))
  if (schemas.length === 0) return []
  return conditions.flatMap((condition) => {
    const fault = faultOf(condition, schemas)
    return fault === undefined ? [] : [`${condition.text}: ${type} ${fault}`]
  })
}

function faultOf(condition: Condition, schemas: readonly z.ZodType[]): string | undefined {
  const { root, steps } = parsePath(condition.path)
  if (root !== 'data') return undefined
  const ends = all(schemas.map((schema) => endsOf(schema, steps)))
  if (ends === 'open') return undefined
  if (ends.length === 0) {
    const near = nearestPath(schemas, steps)
    return `never has ${condition.path}${near === undefined ? '' : `; did you mean ${near}?`}`
  }
  const values = ends.map(valuesOf)
  if (values.some((each) => each === undefined)) return undefined
  const possible = [...new Set(values.flatMap((each) => each ?? []))]
  const wanted = wantedBy(condition)
  if (wanted === undefined || wanted.some((value) => possible.includes(String(value)))) return undefined
  return `has one of ${possible.map((value) => JSON.stringify(value)).join(', ')} there`
}

/** The values of which one is asked for; undefined: that is no matter of single values. */
function wantedBy(condition: Condition): readonly unknown[] | undefined {
  if (condition.uses.length > 0) return undefined
  const nothing = { channel: '', event: '', id: '', timestamp: 0, data: {} }
  const { op, expected } = condition.examine(nothing, new Map())
  const wanted = op === 'oneOf' && Array.isArray(expected) ? expected : [expected]
  return (op === 'equals' || op === 'oneOf') && wanted.every((value) => typeof value === 'string') ? wanted : undefined
}

/** What the path may lead to; `open`: to anything. */
function endsOf(schema: z.ZodType, steps: readonly Step[]): readonly z.ZodType[] | 'open' {
  const inner = unwrapped(schema)
  if (inner instanceof z.ZodUnion) return all(inner.options.map((option) => endsOf(option as z.ZodType, steps)))
  const [step, ...rest] = steps
  if (inner instanceof z.ZodAny || inner instanceof z.ZodUnknown || isOpaque(inner)) return 'open'
  if (step === undefined) return [inner]
  if (inner instanceof z.ZodObject) {
    const field = typeof step === 'string' && Object.hasOwn(inner.shape, step) ? inner.shape[step] : undefined
    return field === undefined ? [] : endsOf(field as z.ZodType, rest)
  }
  if (inner instanceof z.ZodRecord) return typeof step === 'string' ? endsOf(inner.valueType as z.ZodType, rest) : []
  if (inner instanceof z.ZodArray) return typeof step === 'string' ? [] : endsOf(inner.element as z.ZodType, rest)
  return []
}

/** With what is optional, or may be null, taken as being there. */
function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return unwrapped(schema.unwrap() as z.ZodType)
  return schema
}

const KNOWN = [z.ZodObject, z.ZodRecord, z.ZodArray, z.ZodEnum, z.ZodLiteral, z.ZodString, z.ZodNumber, z.ZodBoolean]

/** A schema of another kind is not looked into. */
function isOpaque(schema: z.ZodType): boolean {
  return !KNOWN.some((kind) => schema instanceof kind)
}

/** Undefined: not to be listed. */
function valuesOf(schema: z.ZodType): readonly string[] | undefined {
  if (schema instanceof z.ZodEnum) return schema.options.map(String)
  if (schema instanceof z.ZodLiteral) return [...schema.values].map(String)
  return undefined
}

function all(ends: ReadonlyArray<readonly z.ZodType[] | 'open'>): readonly z.ZodType[] | 'open' {
  return ends.some((each) => each === 'open') ? 'open' : ends.flatMap((each) => (each === 'open' ? [] : each))
}

/** The path with the nearest key in place of the first one that is not there. */
function nearestPath(schemas: readonly z.ZodType[], steps: readonly Step[]): string | undefined {
  const keys = steps.filter((step) => typeof step === 'string')
  const at = steps.findIndex((_, index) => endsIn(schemas, steps.slice(0, index + 1)).length === 0)
  const wrong = steps[at]
  if (typeof wrong !== 'string' || keys.length < steps.length) return undefined
  const known = endsIn(schemas, steps.slice(0, at)).flatMap((end) =>
    end instanceof z.ZodObject ? Object.keys(end.shape) : [],
  )
  const near = nearest(wrong, known)
  if (near === undefined) return undefined
  const path = [...keys.slice(0, at), near, ...keys.slice(at + 1)]
  return endsIn(schemas, path).length > 0 ? path.join('.') : undefined
}

function endsIn(schemas: readonly z.ZodType[], steps: readonly Step[]): readonly z.ZodType[] {
  const ends = all(schemas.map((schema) => endsOf(schema, steps)))
  return ends === 'open' ? [] : ends
}
