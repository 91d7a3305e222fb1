/** Where a client resumes, by the cursor that it comes with and the bounds of the log for the channels it asks for. */
import { parseCursor } from '../../shared/src/cursor.ts'
import { CURSOR_PARAMETERS, HEADER } from '../../shared/src/protocol.ts'
import type { Bounds } from '../db/snapshot.ts'
import type { Start } from './delivery/channel-change.ts'
import type { RequestFields } from './request.ts'

type Resume = Exclude<Start, { kind: 'fresh' }>

/** The header takes precedence over the query. Without a cursor the stream starts fresh. */
export function parseStart(fields: RequestFields, epoch: string, bounds: Bounds): Start {
  const header = fields.header(HEADER.lastEventId)
  const requested = header || CURSOR_PARAMETERS.map((name) => fields.query(name)).find(Boolean)
  if (!requested) return { kind: 'fresh' }
  const isSince = !header && requested === fields.query('since')
  return isSince ? startSince(requested, epoch, bounds) : startAt(requested, epoch, bounds)
}

/** `since`: a cursor, `now` or `earliest`. */
export function startSince(since: string, epoch: string, bounds: Bounds): Resume {
  if (since === 'now') return { kind: 'resume', seq: bounds.newest }
  if (since === 'earliest') return { kind: 'resume', seq: bounds.oldest }
  return startAt(since, epoch, bounds)
}

/** Resumes after the cursor, or starts with the reason why that is impossible. */
function startAt(requested: string, epoch: string, { oldest, newest }: Bounds): Resume {
  const cursor = parseCursor(requested)
  if (!cursor) return { kind: 'gap', requested, reason: 'invalid', oldest }
  if (cursor.epoch !== epoch) return { kind: 'gap', requested, reason: 'epoch', oldest }
  if (cursor.seq > newest) return { kind: 'gap', requested, reason: 'invalid', oldest }
  if (cursor.seq < oldest) return { kind: 'gap', requested, reason: 'trimmed', oldest }
  return { kind: 'resume', seq: cursor.seq }
}
