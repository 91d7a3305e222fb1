/** The event log over HTTP, for programs that poll instead of listening. */
import * as z from 'zod'
import { exampleCursor, exampleIds } from '../../shared/src/catalogue/examples.ts'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import { named } from '../../shared/src/names.ts'
import { parseTypeFilter } from '../../shared/src/type-filter.ts'
import { envelope } from '../../shared/src/types/envelope.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { Problem } from '../base/errors.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Sql } from '../db/sql.ts'
import { parseChannelList } from '../sse/channel-list.ts'
import { oldestOf } from '../sse/delivery/coverage.ts'
import { Selection } from '../sse/delivery/selection.ts'
import { readEnvelopes } from '../sse/log-page.ts'
import { type Api, JsonText } from './api.ts'
import { exampleEnvelope } from './examples.ts'
import { afterId, pageLimit } from './paging.ts'
import { ANY_SUBJECT } from './rights.ts'

const eventsQuery = z.object({
  channels: z
    .string()
    .default('global')
    .meta({ description: 'Names of channels, separated by commas.', examples: [`board:${exampleIds.board}`] }),
  types: z
    .string()
    .optional()
    .meta({ description: 'Names of events, separated by commas; `card.*` stands for a family.', examples: ['card.*'] }),
  after: afterId,
  limit: pageLimit,
})

const cursorAnswer = named('Cursor', z.strictObject({ cursor }))
const page = named(
  'EventPage',
  z.strictObject({ events: z.array(envelope), cursor, oldest: cursor, more: z.boolean() }),
)

/** All channels that the query names. */
const channelsOfQuery = {
  by: 'address',
  to: 'every channel that `channels` names',
  needs: (_: unknown, { channels }: z.infer<typeof eventsQuery>) =>
    parseChannelList(channels).map(({ name }) => [name]),
} as const

/** Throws when a channel needs a resource that does not exist. */
export type MustExist = (sql: Sql, kind: ChannelKind, id: string) => Promise<void>

export function registerEvents(api: Api, mustExist: MustExist): void {
  api.get(
    '/cursor',
    {
      operationId: 'getCursor',
      tag: 'Log',
      summary: 'Reads the id of the newest event.',
      right: ANY_SUBJECT,
      answer: cursorAnswer,
      example: { answer: { cursor: exampleCursor } },
      errors: [],
    },
    async ({ cursor }) => ({ cursor }),
  )

  api.get(
    '/events',
    {
      operationId: 'listEvents',
      tag: 'Log',
      summary: 'Reads a page of the event log, as a stream of these channels would have shown it.',
      right: channelsOfQuery,
      query: eventsQuery,
      answer: page,
      example: {
        answer: { events: [exampleEnvelope], cursor: exampleCursor, oldest: '5f3a9c1e-1', more: false },
      },
      errors: ['invalid_channel', 'board_not_found'],
    },
    async ({ snapshot, sql, query, subject }) => {
      const sees = subject.subscribe
      const selection = new Selection(parseChannelList(query.channels), parseTypeFilter(query.types), { sees })
      for (const { kind, id } of selection.channels) await mustExist(sql, kind, id)
      const oldest = await oldestOf(snapshot, selection)
      // Older events that are still stored are returned too; from `oldest` on, none are missing.
      const after = query.after === undefined ? 0 : seqOf(snapshot, query.after)
      const { envelopes, next, more } = await readEnvelopes(snapshot, selection, { after, limit: query.limit })
      const { epoch } = snapshot
      const rest = { cursor: formatCursor(epoch, next), oldest: formatCursor(epoch, oldest), more }
      // Envelopes are already JSON text, exactly as streams send them.
      return new JsonText(`{"events":[${envelopes.join(',')}],${JSON.stringify(rest).slice(1)}`)
    },
  )
}

/** Throws `bad_request` for anything that is not an id of this log. */
function seqOf({ epoch, head }: Snapshot, after: string): number {
  const cursor = parseCursor(after)
  if (cursor && cursor.epoch !== epoch) {
    throw new Problem(
      'bad_request',
      'after is an id of another log; the database was replaced. Start again without it.',
    )
  }
  if (!cursor || cursor.seq > head) {
    throw new Problem(
      'bad_request',
      'after must be an id of this log: an id of an envelope, a cursor or an Event-Id. Start again without it.',
    )
  }
  return cursor.seq
}
