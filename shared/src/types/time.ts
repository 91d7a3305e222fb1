import * as z from 'zod'

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
