import * as z from 'zod'
import { MAX_JSON_DEPTH, MAX_LINE_BYTES } from '../protocol.ts'

/**
 * Text that is stored in a row of the database, as UTF-8: a lone surrogate has no UTF-8 form and would be read back as
 * another character, so it is refused. NUL and control characters are kept.
 */
export function text(minLength: number, maxLength: number) {
  return z
    .string()
    .min(minLength)
    .max(maxLength)
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode, but holds a lone surrogate')
}

/** Ids that clients choose: agents, sessions. They become part of a channel name. */
export const externalId = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9:_.-]+$/, 'may hold only letters, digits and : _ - .')
  .refine((id) => id !== '.' && id !== '..', 'may not be . or .., which no address can hold')

/** Names of events that clients post. They become the `event:` of an SSE event. */
export const eventName = z.string().regex(/^[A-Za-z0-9:_.-]{1,128}$/, 'must be 1 to 128 letters, digits and : _ - .')

const TIMESTAMP_LENGTH = '2026-01-31T12:00:00.000Z'.length

/** A time: ISO 8601 with any offset as input, UTC with milliseconds inside. */
export const instant = z.iso
  .datetime({ offset: true, message: 'must be an ISO 8601 date and time, such as 2026-01-31T12:00:00.000Z' })
  .transform((value, context) => {
    // The fast path for log lines, most of which have this form: of this length, only UTC with milliseconds ends in Z.
    if (value.length === TIMESTAMP_LENGTH && value.endsWith('Z')) return value
    const utc = new Date(value).toISOString()
    if (utc.length === TIMESTAMP_LENGTH) return utc
    context.addIssue({ code: 'custom', message: 'must lie in the years 0000 to 9999 of UTC' })
    return z.NEVER
  })

/** A time as the service writes it. */
export const timestamp = z.iso.datetime({ precision: 3 })

/** A URL that a browser can open. */
export const webUrl = z
  .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
  .max(2_000)
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode, but holds a lone surrogate')

/** One line of output, bounded in bytes of UTF-8; stored in the log as JSON, where even a lone surrogate survives. */
export const line = z
  .string()
  .refine((value) => utf8Length(value) <= MAX_LINE_BYTES, 'must be at most 65536 bytes of UTF-8')

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

function utf8Length(value: string): number {
  if (value.length * 3 <= MAX_LINE_BYTES) return value.length
  let bytes = 0
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    // A surrogate counts two, so that a pair counts its four bytes; a lone one is written as three, which only rounds down.
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : unit >= 0xd800 && unit <= 0xdfff ? 2 : 3
  }
  return bytes
}
