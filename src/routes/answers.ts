/** Schemas of answers that several routes have. */
import * as z from 'zod'
import { named } from '../../shared/src/names.ts'
import { cursor } from '../../shared/src/types/ids.ts'

/** The number of lines, chunks or files that were taken. */
export const count = named('Count', z.strictObject({ count: z.int().min(0) }))

export const empty = named('Empty', z.strictObject({}))

/**
 * What every page of output has: `cursor` is the `after` of the next page, `more` says that there is, or may be, one, and
 * `count` is the number of items up to the end of the page.
 */
export const pageEnd = { cursor, more: z.boolean(), count: z.int().min(0) }
