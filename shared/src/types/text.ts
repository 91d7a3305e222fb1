import * as z from 'zod'
import { MAX_LINE_BYTES } from '../protocol.ts'

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
  .meta({ not: { enum: ['.', '..'] } })

/** Names of events that clients post. They become the `event:` of an SSE event. */
export const eventName = z.string().regex(/^[A-Za-z0-9:_.-]{1,128}$/, 'must be 1 to 128 letters, digits and : _ - .')

/** A URL that a browser can open. */
export const webUrl = z
  .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
  .max(2_000)
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode, but holds a lone surrogate')

/** One line of output, bounded in bytes of UTF-8; stored in the log as JSON, where even a lone surrogate survives. */
export const line = z
  .string()
  .refine((value) => utf8Length(value) <= MAX_LINE_BYTES, `must be at most ${MAX_LINE_BYTES} bytes of UTF-8`)
  // A character has at least one byte.
  .meta({ maxLength: MAX_LINE_BYTES })

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
