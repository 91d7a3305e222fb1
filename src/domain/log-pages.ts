/** What was printed, by page: some types of events on one channel, read from the event log, where alone they are. */
import type { EventType } from '../../shared/src/catalogue.ts'
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import { Problem } from '../base/errors.ts'
import type { LogEvent } from '../db/log-event.ts'
import { rowsThatFit, type Snapshot } from '../db/snapshot.ts'
import type { Tx } from '../db/store.ts'

/** An answer ends with the event that exceeds this, so that 1,000 lines of 64 KiB are not held at once. */
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024
/** Other events lie between those asked for. At least so many are read at a time, and so often for one answer. */
const MIN_EVENTS_PER_READ = 256
const MAX_READS = 16
/** The end is read backwards in steps, to notice in time that the events are long. */
const TAIL_STEP = 64

/** What is looked for. */
export interface Printed {
  readonly channel: string
  readonly types: readonly EventType[]
  /** Only events after this position: those before were of another thing that had the same id. */
  readonly since?: number
}

export interface PageAsked {
  /** The id of an event of this log: only events after it. */
  readonly after?: string | undefined
  readonly limit: number
  /** The last so many events instead. */
  readonly tail?: number | undefined
}

export interface LogPage {
  readonly events: readonly LogEvent[]
  /** What to give as the next `after`. */
  readonly cursor: string
  /** There are, or may be, events after `cursor`. */
  readonly more: boolean
}

/** Throws `bad_request` for an `after` that is no id of this log. */
export async function readLogPage(snapshot: Snapshot, printed: Printed, asked: PageAsked): Promise<LogPage> {
  const { events, next, more } =
    asked.tail === undefined
      ? await readForward(snapshot, printed, { after: startOf(snapshot, printed, asked.after), limit: asked.limit })
      : await readTail(snapshot, printed, asked.tail)
  return { events, cursor: formatCursor(snapshot.epoch, next), more }
}

/** The position of the last event so far: what is told from now on has a later one. */
export function positionNow(tx: Tx): number {
  return parseCursor(tx.eventId)?.seq ?? 0
}

function startOf(snapshot: Snapshot, { since = 0 }: Printed, after: string | undefined): number {
  return after === undefined ? since : Math.max(positionOf(snapshot, after), since)
}

function positionOf(snapshot: Snapshot, after: string): number {
  const cursor = parseCursor(after)
  if (!cursor)
    throw new Problem('bad_request', 'after must be the id of an event, as what was read and cursor carry it.')
  if (cursor.epoch !== snapshot.epoch || cursor.seq > snapshot.head) {
    throw new Problem('bad_request', 'after is not an id of this log. Start again without it.')
  }
  return cursor.seq
}

interface Found {
  readonly events: readonly LogEvent[]
  /** Where to go on from. */
  readonly next: number
  readonly more: boolean
}

/** One event beyond the limit is looked for, so that `more` is exact unless the search was cut short. */
async function readForward(
  snapshot: Snapshot,
  { channel, types }: Printed,
  from: { after: number; limit: number },
): Promise<Found> {
  const wanted: ReadonlySet<string> = new Set(types)
  const events: LogEvent[] = []
  let characters = 0
  let reached = from.after
  for (let reads = 0; reads < MAX_READS && reached < snapshot.head && characters <= MAX_PAGE_CHARACTERS; reads++) {
    const count = Math.max(from.limit + 1 - events.length, MIN_EVENTS_PER_READ)
    const page = await snapshot.readAfter([channel], reached, count, MAX_PAGE_CHARACTERS - characters)
    for (const event of page.events) {
      characters += event.data.length
      if (!wanted.has(event.type)) continue
      if (events.length === from.limit) return { events, next: lastOf(events, reached), more: true }
      events.push(event)
    }
    reached = page.reached
  }
  const isCut = reached < snapshot.head
  return { events, next: isCut ? reached : lastOf(events, reached), more: isCut }
}

async function readTail(snapshot: Snapshot, { channel, types, since = 0 }: Printed, count: number): Promise<Found> {
  let events: LogEvent[] = []
  let characters = 0
  while (events.length < count && characters <= MAX_PAGE_CHARACTERS) {
    const fitting = rowsThatFit(events.length, characters, MAX_PAGE_CHARACTERS, TAIL_STEP)
    const wanted = Math.min(fitting, count - events.length)
    const last = await snapshot.readLast(channel, types, wanted, events[0]?.seq)
    const earlier = last.filter(({ seq }) => seq > since)
    events = [...earlier, ...events]
    for (const { data } of earlier) characters += data.length
    if (earlier.length < wanted) break
  }
  return { events, next: lastOf(events, snapshot.head), more: false }
}

function lastOf(events: readonly LogEvent[], otherwise: number): number {
  return events.at(-1)?.seq ?? otherwise
}
