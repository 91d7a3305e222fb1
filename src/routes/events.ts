/** The event log over HTTP, for programs that poll instead of listening. */
import * as z from 'zod'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import { parseTypeFilter } from '../../shared/src/type-filter.ts'
import { Problem } from '../base/errors.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Sql } from '../db/sql.ts'
import { parseChannelList } from '../sse/channel-list.ts'
import { oldestOf } from '../sse/delivery/coverage.ts'
import { Selection } from '../sse/delivery/selection.ts'
import { readEnvelopes } from '../sse/log-page.ts'
import { type Api, JsonText } from './api.ts'
import { pageLimit } from './paging.ts'
import { ANY_SUBJECT } from './rights.ts'

const eventsQuery = z.object({
  channels: z.string().default('global'),
  types: z.string().optional(),
  after: z.string().optional(),
  limit: pageLimit,
})

/** All channels that the query names. */
const channelsOfQuery = {
  by: 'address',
  needs: (_: unknown, { channels }: z.infer<typeof eventsQuery>) =>
    parseChannelList(channels).map(({ name }) => [name]),
} as const

/** `mustExist` throws when a channel needs a resource that does not exist. */
export function registerEvents(api: Api, mustExist: (sql: Sql, kind: ChannelKind, id: string) => Promise<void>): void {
  api.get('/cursor', { right: ANY_SUBJECT }, async ({ cursor }) => ({ cursor }))

  api.get('/events', { right: channelsOfQuery, query: eventsQuery }, async ({ snapshot, sql, query, subject }) => {
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
  })
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
