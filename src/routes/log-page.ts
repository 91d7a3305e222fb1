import * as z from 'zod'
import { PAGE_LIMIT_MAX } from '../../shared/src/protocol.ts'
import { pageLimit } from './api.ts'

/** The query of what reads by page what was printed. */
export const logPageAsked = z
  .object({
    after: z.string().optional(),
    limit: pageLimit,
    tail: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).optional(),
  })
  .refine(({ after, tail }) => after === undefined || tail === undefined, {
    path: ['tail'],
    message: 'asks for the last ones and after for those that follow; give one of the two',
  })
