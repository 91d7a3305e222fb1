/** The lines that attempts print. They live in the event log and nowhere else. */
import { channelName } from '../../shared/src/channels.ts'
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import type { LogLine } from '../../shared/src/types/kanban.ts'
import { noteLineAt } from '../db/attempt-logs.ts'
import type { EventLog } from '../db/event-log.ts'
import type { LogEvent } from '../db/log-event.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { Problem } from '../errors.ts'
import { getAttemptPlace } from './attempt-place.ts'

const LINE = 'attempt.log.appended'
/** An answer ends with the line that exceeds this, so that 1,000 lines of 64 KiB are not held at once. */
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024
/** Events of other types lie between the lines. At least so many are read at a time, and so often for one answer. */
const MIN_EVENTS_PER_READ = 256
const MAX_READS = 16
/** Lines are read backwards in steps, to notice in time that they are long. */
const TAIL_STEP = 64

/** `level` is info and `ts` the time of arrival where they are not given. */
export type PostedLine = Pick<LogLine, 'message' | 'stream'> & Partial<Pick<LogLine, 'level' | 'ts'>>

export interface LinesAsked {
  /** The id of an event of this log: only lines after it. */
  readonly after?: string | undefined
  readonly limit: number
  /** The last so many lines instead. */
  readonly tail?: number | undefined
}

export interface LinesPage {
  readonly lines: ReadonlyArray<LogLine & { readonly id: string }>
  /** What to give as the next `after`. */
  readonly cursor: string
  /** There are, or may be, lines after `cursor`. */
  readonly more: boolean
}

/**
 * Appends lines in their order and resolves to how many. They may come after the end of the attempt: what a process
 * flushes last arrives last. Hot: one look-up and one write a call, nothing is awaited per line.
 */
export async function appendLines(tx: Tx, attemptId: string, lines: readonly PostedLine[]): Promise<number> {
  const { boardId, cardId, agent: agentId } = await getAttemptPlace(tx.sql, attemptId)
  await noteLineAt(tx.sql, attemptId, tx.now)
  for (const { level = 'info', message, ts = tx.now, stream } of lines) {
    tx.emit(LINE, { boardId, cardId, agentId, attemptId, level, message, ts, stream })
  }
  return lines.length
}

/** Throws `attempt_not_found`; `bad_request` for an `after` that is no id of this log. */
export async function readLines(sql: Sql, log: EventLog, attemptId: string, asked: LinesAsked): Promise<LinesPage> {
  await getAttemptPlace(sql, attemptId)
  const channel = channelName('attempt', attemptId)
  if (asked.tail !== undefined) return toPage(log, await readTail(log, channel, asked.tail))
  const after = asked.after === undefined ? 0 : positionOf(log, asked.after)
  return toPage(log, await readForward(log, channel, { after, limit: asked.limit }))
}

function positionOf(log: EventLog, after: string): number {
  const cursor = parseCursor(after)
  if (!cursor) throw new Problem('bad_request', 'after must be the id of an event, as lines and cursor carry it.')
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

/** One line beyond the limit is looked for, so that `more` is exact unless the search was cut short. */
async function readForward(log: EventLog, channel: string, from: { after: number; limit: number }): Promise<Found> {
  const events: LogEvent[] = []
  let characters = 0
  let reached = from.after
  for (let reads = 0; reads < MAX_READS && reached < log.head && characters <= MAX_PAGE_CHARACTERS; reads++) {
    const wanted = Math.max(from.limit + 1 - events.length, MIN_EVENTS_PER_READ)
    const page = await log.readAfter([channel], reached, wanted, MAX_PAGE_CHARACTERS - characters)
    for (const event of page.events) {
      characters += event.data.length
      if (event.type !== LINE) continue
      if (events.length === from.limit) return { events, next: lastOf(events, reached), more: true }
      events.push(event)
    }
    reached = page.reached
  }
  const isCut = reached < log.head
  return { events, next: isCut ? reached : lastOf(events, reached), more: isCut }
}

async function readTail(log: EventLog, channel: string, count: number): Promise<Found> {
  let events: LogEvent[] = []
  let characters = 0
  while (events.length < count && characters <= MAX_PAGE_CHARACTERS) {
    const wanted = Math.min(TAIL_STEP, count - events.length)
    const earlier = await log.readLast(channel, LINE, wanted, events[0]?.seq)
    events = [...earlier, ...events]
    for (const { data } of earlier) characters += data.length
    if (earlier.length < wanted) break
  }
  return { events, next: lastOf(events, log.head), more: false }
}

function lastOf(events: readonly LogEvent[], otherwise: number): number {
  return events.at(-1)?.seq ?? otherwise
}

function toPage(log: EventLog, { events, next, more }: Found): LinesPage {
  const lines = events.map((event) => {
    const { level, message, ts, stream } = event.payload as LogLine
    return { id: formatCursor(log.epoch, event.seq), level, message, ts, ...(stream && { stream }) }
  })
  return { lines, cursor: formatCursor(log.epoch, next), more }
}
