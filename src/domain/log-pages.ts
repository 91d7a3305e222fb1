/** Pages of output: events of some types on one channel, read from the event log, where alone they are stored. */
import type { EventType } from '../../shared/src/catalogue.ts'
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import { Problem } from '../base/errors.ts'
import type { LogEvent } from '../db/log-event.ts'
import { rowsThatFit, type Snapshot } from '../db/snapshot.ts'
import type { Tx } from '../db/store.ts'

/** A page ends with the event that exceeds this, so that 1,000 lines of 64 KiB are never in memory at once. */
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024
/** Other events lie between the wanted ones, so each read fetches at least this many. */
const MIN_EVENTS_PER_READ = 256
/** Reads per page; a search that takes longer returns early with `more`. */
const MAX_READS = 16
/** The tail is read backwards in steps, to notice in time that the events are long. */
const TAIL_STEP = 64

/** Which events a page shows. */
export interface LogSource {
  readonly channel: string
  readonly types: readonly EventType[]
  /** Only events with a greater `seq`: earlier ones belong to a deleted resource that had the same id. */
  readonly since?: number
}

export interface PageRequest {
  /** An event id of this log: only events after it. */
  readonly after?: string | undefined
  /** An event id of this log: only events before it. Without `after`, the last of them. */
  readonly before?: string | undefined
  readonly limit: number
  /** Instead of a page after an id: the last events, at most this many. */
  readonly tail?: number | undefined
}

export interface LogPage {
  readonly events: readonly LogEvent[]
  /** Pass it as `after` to read the next page. */
  readonly cursor: string
  /** True when there are, or may be, events after `cursor`, and before the `before` of the request. */
  readonly more: boolean
  /** How many events the log has up to `cursor`, without those that were trimmed. */
  readonly count: number
}

/** Throws `bad_request` for an `after` or a `before` that is not an id of this log. */
export async function readLogPage(snapshot: Snapshot, source: LogSource, page: PageRequest): Promise<LogPage> {
  const { after, before, limit, tail } = page
  const end = before === undefined ? snapshot.head : Math.max(seqOf(snapshot, 'before', before) - 1, 0)
  const isTail = tail !== undefined || (before !== undefined && after === undefined)
  const { events, next, more } = isTail
    ? await readTail(snapshot, source, { end, count: tail ?? limit })
    : await readForward(snapshot, source, { after: startOf(snapshot, source, after), end, limit })
  return {
    events,
    cursor: formatCursor(snapshot.epoch, next),
    more,
    count: await countUpTo(snapshot, source, next),
  }
}

async function countUpTo(snapshot: Snapshot, { channel, types, since = 0 }: LogSource, seq: number): Promise<number> {
  const count = await snapshot.countUpTo(channel, types, seq)
  return since === 0 ? count : count - (await snapshot.countUpTo(channel, types, Math.min(since, seq)))
}

/** The `seq` of the newest event so far. Events that are emitted from now on have a greater one. */
export function currentSeq(tx: Tx): number {
  return parseCursor(tx.eventId)?.seq ?? 0
}

function startOf(snapshot: Snapshot, { since = 0 }: LogSource, after: string | undefined): number {
  return after === undefined ? since : Math.max(seqOf(snapshot, 'after', after), since)
}

function seqOf(snapshot: Snapshot, field: 'after' | 'before', id: string): number {
  const cursor = parseCursor(id)
  if (!cursor) throw new Problem('bad_request', `${field} must be an event id, such as an id or the cursor of a page.`)
  if (cursor.epoch !== snapshot.epoch || cursor.seq > snapshot.head) {
    throw new Problem('bad_request', `${field} is not an id of this log. Start again without it.`)
  }
  return cursor.seq
}

interface Found {
  readonly events: readonly LogEvent[]
  /** The `seq` to continue after. */
  readonly next: number
  readonly more: boolean
}

/** Looks for one event beyond the limit, so that `more` is exact unless the search was cut short. */
async function readForward(
  snapshot: Snapshot,
  { channel, types }: LogSource,
  from: { after: number; end: number; limit: number },
): Promise<Found> {
  const wanted: ReadonlySet<string> = new Set(types)
  const events: LogEvent[] = []
  let characters = 0
  let reached = from.after
  for (let reads = 0; reads < MAX_READS && reached < from.end && characters <= MAX_PAGE_CHARACTERS; reads++) {
    const count = Math.max(from.limit + 1 - events.length, MIN_EVENTS_PER_READ)
    const page = await snapshot.readAfter([channel], reached, count, MAX_PAGE_CHARACTERS - characters)
    for (const event of page.events) {
      if (event.seq > from.end) break
      characters += event.data.length
      if (!wanted.has(event.type)) continue
      if (events.length === from.limit) return { events, next: lastOf(events, reached), more: true }
      events.push(event)
    }
    reached = Math.min(page.reached, from.end)
  }
  const isCut = reached < from.end
  return { events, next: isCut ? reached : lastOf(events, reached), more: isCut }
}

async function readTail(
  snapshot: Snapshot,
  { channel, types, since = 0 }: LogSource,
  { end, count }: { end: number; count: number },
): Promise<Found> {
  let events: LogEvent[] = []
  let characters = 0
  while (events.length < count && characters <= MAX_PAGE_CHARACTERS) {
    const fitting = rowsThatFit(events.length, characters, MAX_PAGE_CHARACTERS, TAIL_STEP)
    const wanted = Math.min(fitting, count - events.length)
    const last = await snapshot.readLast(channel, types, wanted, events[0]?.seq ?? end + 1)
    const earlier = last.filter(({ seq }) => seq > since)
    events = [...earlier, ...events]
    for (const { data } of earlier) characters += data.length
    if (earlier.length < wanted) break
  }
  return { events, next: lastOf(events, end), more: false }
}

function lastOf(events: readonly LogEvent[], otherwise: number): number {
  return events.at(-1)?.seq ?? otherwise
}
