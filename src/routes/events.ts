/** The log over HTTP, for programs that would rather ask than listen. */
import * as z from 'zod'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import { Problem } from '../base/errors.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Sql } from '../db/sql.ts'
import { parseChannelList } from '../sse/channel-list.ts'
import { oldestOf } from '../sse/delivery/coverage.ts'
import { Selection } from '../sse/delivery/selection.ts'
import { parseTypeFilter } from '../sse/delivery/type-filter.ts'
import { readEnvelopes } from '../sse/wire/envelopes.ts'
import { type Api, JsonText, pageLimit } from './api.ts'

const asked = z.object({
  channels: z.string().default('global'),
  types: z.string().optional(),
  after: z.string().optional(),
  limit: pageLimit,
})

/** `mustExist` throws when the thing that a channel is about does not exist, and its kind demands that it does. */
export function registerEvents(api: Api, mustExist: (sql: Sql, kind: ChannelKind, id: string) => Promise<void>): void {
  api.get('/cursor', {}, async ({ cursor }) => ({ cursor }))

  api.get('/events', { query: asked }, async ({ snapshot, sql, query }) => {
    const selection = new Selection(parseChannelList(query.channels), parseTypeFilter(query.types))
    for (const { kind, id } of selection.channels) await mustExist(sql, kind, id)
    const oldest = await oldestOf(snapshot, selection)
    // What is kept is given, wherever it lies: `oldest` says from where on nothing is missing.
    const after = query.after === undefined ? 0 : positionOf(snapshot, query.after)
    const { envelopes, next, more } = await readEnvelopes(snapshot, selection, { after, limit: query.limit })
    const { epoch } = snapshot
    const rest = { cursor: formatCursor(epoch, next), oldest: formatCursor(epoch, oldest), more }
    // Envelopes are texts already; they leave as streams send them.
    return new JsonText(`{"events":[${envelopes.join(',')}],${JSON.stringify(rest).slice(1)}`)
  })
}

/** Throws `bad_request` for what is no position of this log. */
function positionOf({ epoch, head }: Snapshot, after: string): number {
  const cursor = parseCursor(after)
  if (cursor && cursor.epoch !== epoch) {
    throw new Problem(
      'bad_request',
      'after is an id of another log: the database was replaced. Start again without it.',
    )
  }
  if (!cursor || cursor.seq > head) {
    throw new Problem(
      'bad_request',
      'after must be an id of this log, as envelopes, cursor and Event-Id carry it. Start again without it.',
    )
  }
  return cursor.seq
}
