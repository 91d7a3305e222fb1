/**
 * The query parameters of streams, which sockets share. Requests are parsed with these schemas (request.ts), and the
 * contract shows them.
 */
import * as z from 'zod'
import { exampleCursor, exampleIds } from '../../shared/src/catalogue/examples.ts'
import { type CURSOR_PARAMETERS, MAX_CHANNELS } from '../../shared/src/protocol.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { boardId } from '../../shared/src/types/kanban.ts'

/** An id of another form belongs to no board, and the answer says that. */
export const boardParameters = {
  boardId: boardId.optional().meta({ description: 'The board to follow.', examples: [exampleIds.board] }),
  projectId: boardId.optional().meta({ description: 'The same as `boardId`.', examples: [exampleIds.board] }),
  view: z
    .enum(['full', 'diff'])
    .default('full')
    .meta({ description: 'Whole states of the board, or its changes.', examples: ['diff'] }),
}

/** A list is read by `parseChannelList`. */
export const channelParameters = {
  channels: z
    .string()
    .min(1)
    .meta({
      description: `Channels to follow, separated by commas, at most ${MAX_CHANNELS}. Their events come in envelopes.`,
      examples: [`board:${exampleIds.board},agent:${exampleIds.agent}`],
    }),
}

/** Any other value is as good as none. */
export const namesParameter = z
  .enum(['0', '1'])
  .optional()
  .meta({ description: '`0` leaves `event:` out on a stream of channels.', examples: ['0'] })

export const typesParameter = z
  .string()
  .optional()
  .meta({ description: 'Names of events, separated by commas; `card_*` stands for a family.', examples: ['card_*'] })

export const endParameters = {
  limit: z.coerce
    .number()
    .min(1)
    .refine((value) => Number.isInteger(value))
    .optional()
    .meta({ type: 'integer', description: 'It ends after so many events.', examples: [10] }),
  timeout: z.coerce
    .number()
    .gt(0)
    .optional()
    .meta({ description: 'It ends after so many seconds.', examples: [30] }),
}

const INSTEAD = 'Instead of the header Last-Event-ID.'
/** Anything but a cursor gets `gap`, so requests are not refused for one. */
export const cursorParameters: Readonly<Record<(typeof CURSOR_PARAMETERS)[number], z.ZodType>> = {
  lastEventId: cursor.optional().meta({ description: INSTEAD, examples: [exampleCursor] }),
  last_event_id: cursor.optional().meta({ description: INSTEAD, examples: [exampleCursor] }),
  since: z
    .union([cursor, z.enum(['now', 'earliest'])])
    .optional()
    .meta({
      description: `${INSTEAD} \`now\` begins after the newest event, \`earliest\` before the oldest.`,
      examples: ['now'],
    }),
}

/** Of every stream and socket. */
export const connectionParameters = { types: typesParameter, ...endParameters, ...cursorParameters }
