/** Query parameters of listings and pages. */
import * as z from 'zod'
import { PAGE_LIMIT, PAGE_LIMIT_MAX } from '../../shared/src/protocol.ts'

/** `limit` of a listing. */
export const pageLimit = z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT)

/** The query of a page of output: after an id, or the last `tail` items. */
export const logPageQuery = z
  .object({
    after: z.string().optional(),
    limit: pageLimit,
    tail: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).optional(),
  })
  .refine(({ after, tail }) => after === undefined || tail === undefined, {
    path: ['tail'],
    message: 'cannot be given together with after: tail reads the last items, after those that follow an id',
  })
