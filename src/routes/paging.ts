/** Query parameters of listings and pages. The contract shows the descriptions and the examples. */
import * as z from 'zod'
import { exampleCursor, exampleIds } from '../../shared/src/catalogue/examples.ts'
import { PAGE_LIMIT, PAGE_LIMIT_MAX } from '../../shared/src/protocol.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { boardId } from '../../shared/src/types/kanban.ts'
import { externalId } from '../../shared/src/types/text.ts'

/** `limit` of a listing. */
export const pageLimit = z.coerce
  .number()
  .int()
  .min(1)
  .max(PAGE_LIMIT_MAX)
  .default(PAGE_LIMIT)
  .meta({ description: 'How many to list at most.', examples: [50] })

/** An id of an event, to read on from. */
export const afterId = cursor
  .optional()
  .meta({ description: 'An event id, or the `cursor` of a page: only what follows it.', examples: [exampleCursor] })

export const boardFilter = boardId
  .optional()
  .meta({ description: 'Only those of this board.', examples: [exampleIds.board] })

export const agentFilter = externalId
  .optional()
  .meta({ description: 'Only those of this agent.', examples: [exampleIds.agent] })

/** The query of a page of output: after an id, before one or between two, or the last `tail` items. */
export const logPageQuery = z
  .object({
    after: afterId,
    before: cursor.optional().meta({
      description: 'An event id: only what precedes it. Without `after`, the last of that, at most `tail` or `limit`.',
      examples: [exampleCursor],
    }),
    limit: pageLimit,
    tail: z.coerce
      .number()
      .int()
      .min(1)
      .max(PAGE_LIMIT_MAX)
      .optional()
      .meta({
        description: 'The last items, or the last before an id: at most this many, instead of those that follow an id.',
        examples: [20],
      }),
  })
  .refine(({ after, tail }) => after === undefined || tail === undefined, {
    path: ['tail'],
    message: 'cannot be given together with after: tail reads the last items, after those that follow an id',
  })
