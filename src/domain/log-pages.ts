/** What was printed, by page: some types of events on one channel, read from the event log, where alone they are. */
import type { EventType } from '../../shared/src/catalogue.ts'
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import { Problem } from '../base/errors.ts'
import { type EventLog, rowsThatFit } from '../db/log.ts'
import type { LogEvent } from '../db/log-event.ts'
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
export async function readLogPage(log: EventLog, printed: Printed, asked: PageAsked): Promise<LogPage> {
  const { events, next, more } =
    asked.tail === undefined
      ? await readForward(log, printed, { after: startOf(log, printed, asked.after), limit: asked.limit })
      : await readTail(log, printed, asked.tail)
  return { events, cursor: formatCursor(log.epoch, next), more }
}

/** The position of the last event so far: what is told from now on has a later one. */
export function positionNow(tx: Tx): number {
  return parseCursor(tx.eventId)?.seq ?? 0
}

function startOf(log: EventLog, { since = 0 }: Printed, after: string | undefined): number {
  return after === undefined ? since : Math.max(positionOf(log, after), since)
}

function positionOf(log: EventLog, after: string): number {
  const cursor = parseCursor(after)
  if (!cursor)
    throw new Problem('bad_request', 'after must be the id of an event, as what was read and cursor carry it.')
  if (cursor.epoch !== log.epoch || cursor.seq > log.head) {
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
  log: EventLog,
  { channel, types }: Printed,
  from: { after: number; limit: number },
): Promise<Found> {
  const wanted: ReadonlySet<string> = new Set(types)
  const events: LogEvent[] = []
  let characters = 0
  let reached = from.after
  for (let reads = 0; reads < MAX_READS && reached < log.head && characters <= MAX_PAGE_CHARACTERS; reads++) {
    const count = Math.max(from.limit + 1 - events.length, MIN_EVENTS_PER_READ)
    const page = await log.readAfter([channel], reached, count, MAX_PAGE_CHARACTERS - characters)
    for (const event of page.events) {
      characters += event.data.length
      if (!wanted.has(event.type)) continue
      if (events.length === from.limit) return { events, next: lastOf(events, reached), more: true }
      events.push(event)
    }
    reached = page.reached
  }
  const isCut = reached < log.head
  return { events, next: isCut ? reached : lastOf(events, reached), more: isCut }
}

async function readTail(log: EventLog, { channel, types, since = 0 }: Printed, count: number): Promise<Found> {
  let events: LogEvent[] = []
  let characters = 0
  while (events.length < count && characters <= MAX_PAGE_CHARACTERS) {
    const fitting = rowsThatFit(events.length, characters, MAX_PAGE_CHARACTERS, TAIL_STEP)
    const wanted = Math.min(fitting, count - events.length)
    const last = await log.readLast(channel, types, wanted, events[0]?.seq)
    const earlier = last.filter(({ seq }) => seq > since)
    events = [...earlier, ...events]
    for (const { data } of earlier) characters += data.length
    if (earlier.length < wanted) break
  }
  return { events, next: lastOf(events, log.head), more: false }
}

function lastOf(events: readonly LogEvent[], otherwise: number): number {
  return events.at(-1)?.seq ?? otherwise
}
