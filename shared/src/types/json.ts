import * as z from 'zod'
import { MAX_JSON_DEPTH } from '../protocol.ts'

/** Any JSON, with a bounded depth so that recursive functions do not overflow the stack. */
export const anyJson = z
  .json()
  .refine((value) => isShallow(value, MAX_JSON_DEPTH), `must be nested at most ${MAX_JSON_DEPTH} deep`)

/**
 * JSON as it was parsed, to be passed on unchanged: `anyJson` makes a copy, which has no key named `__proto__`. Numbers
 * that JSON can express and a double cannot are refused, because they would be sent as null.
 */
export const postedJson = z.unknown().superRefine((value, context) => {
  const message = !isShallow(value, MAX_JSON_DEPTH)
    ? `must be nested at most ${MAX_JSON_DEPTH} deep`
    : !isRepresentable(value) && 'must not hold a number that is out of range'
  if (message) context.addIssue({ code: 'custom', message })
})

function isRepresentable(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isRepresentable)
}

/** Whether objects and arrays are nested at most `levels` deep. */
export function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1))
}
