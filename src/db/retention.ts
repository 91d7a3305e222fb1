/**
 * Retention: the oldest chatter goes when there is too much of it; board events stay. What went is remembered as one
 * position, at or after which nothing is missing, and by channel (coverage.ts).
 */
import type { RetentionPolicy } from '../base/config.ts'
import type { Coverage } from './coverage.ts'
import { type EventRow, type LogEvent, SELECT_EVENTS, toEvent } from './log-event.ts'
import { readMeta, writeMeta } from './meta.ts'
import type { Sql } from './sql.ts'

export interface Trim {
  /** The newest position that was trimmed. */
  readonly upTo: number
  /** What is left. */
  readonly chatter: Chatter
  /** There may be more to delete. */
  readonly more: boolean
}

/** How much of the log may be trimmed. */
export interface Chatter {
  readonly events: number
  readonly bytes: number
}

/** Bytes of payload that one step deletes; the last event may exceed it. */
const STEP_BYTES = 2 * 2 ** 20
/** Rows of one read, at first and at most. */
const FIRST_READ = 8
const MOST_READ = 512
/** Where a row has the text that is stored, which counts; an event may show it in another form. */
const STORED = 3
const SELECT_CHATTER = `${SELECT_EVENTS} WHERE seq > ? AND chatter = 1 ORDER BY seq LIMIT ?`

interface Pruning {
  readonly policy: RetentionPolicy
  /** Milliseconds since 1970. */
  readonly now: number
  readonly maxEvents: number
  readonly chatter: Chatter
  /** The newest position. */
  readonly head: number
  readonly trimmed: number
  /** Nothing at or before this position is chatter. */
  readonly scanned: number
  readonly coverage: Coverage
}

/** Deletes what is too much, inside a transaction. `scanned` goes on from where chatter begins; null: there is none. */
export async function pruneChatter(sql: Sql, pruning: Pruning): Promise<{ scanned: number | null; trim: Trim | null }> {
  const { head, trimmed, coverage } = pruning
  const { events, left, scanned, more } = await readExcess(sql, pruning)
  const upTo = events.at(-1)?.seq
  if (upTo === undefined) return { scanned, trim: null }
  await coverage.note(sql, events)
  await sql.run('DELETE FROM events WHERE seq > ? AND seq <= ? AND chatter = 1', [trimmed, upTo])
  await pruneRuns(sql, upTo)
  await writeMeta(sql, 'trimmed', String(upTo))
  await noteChatter(sql, left, head)
  return { scanned, trim: { upTo, chatter: left, more } }
}

interface Excess {
  readonly events: readonly LogEvent[]
  readonly left: Chatter
  readonly scanned: number | null
  readonly more: boolean
}

/** The oldest chatter that is too much. Mostly that is little, and may be long: reads begin small. */
async function readExcess(sql: Sql, { policy, now, maxEvents, chatter, scanned }: Pruning): Promise<Excess> {
  const excess: LogEvent[] = []
  let { events, bytes } = chatter
  let begin: number | null = null
  const result = (more: boolean) => ({ events: excess, left: { events, bytes }, scanned: begin, more })
  for (let size = FIRST_READ; excess.length < maxEvents; size = Math.min(4 * size, MOST_READ)) {
    const wanted = Math.min(size, maxEvents - excess.length)
    const rows = await sql.values<EventRow>(SELECT_CHATTER, [excess.at(-1)?.seq ?? scanned, wanted])
    for (const row of rows) {
      const event = toEvent(row)
      begin ??= event.seq - 1
      if (events <= policy.maxEvents && bytes <= policy.maxBytes && event.at >= now - policy.maxAgeMs) {
        return result(false)
      }
      if (chatter.bytes - bytes > STEP_BYTES) return result(true)
      excess.push(event)
      events -= 1
      bytes -= Buffer.byteLength(row[STORED])
    }
    if (rows.length < wanted) return result(false)
  }
  return result(true)
}

/** Notes how much there is at or before position `upTo`. */
export async function noteChatter(sql: Sql, { events, bytes }: Chatter, upTo: number): Promise<void> {
  await writeMeta(sql, 'chatter', `${events} ${bytes} ${upTo}`)
}

/**
 * Notes how much there is in a log whose newest position is `head`: what was noted, and a count of what came after. A note
 * without a position is of a version that wrote it with every COMMIT, and so of `head`.
 */
export async function settleChatter(sql: Sql, head: number): Promise<Chatter> {
  const noted = (await readMeta(sql, 'chatter')) ?? '0 0 0'
  const [events = 0, bytes = 0, upTo] = noted.split(' ').map(Number)
  if (upTo === head) return { events, bytes }
  const since = await sql.get<Chatter>(
    `SELECT count(*) AS events, coalesce(sum(octet_length(data)), 0) AS bytes FROM events WHERE seq > ? AND chatter = 1`,
    [upTo ?? head],
  )
  const chatter = { events: events + (since?.events ?? 0), bytes: bytes + (since?.bytes ?? 0) }
  await noteChatter(sql, chatter, head)
  return chatter
}

/** Rows of the index are written in the order of their positions, so a pass goes on where the last one stopped. */
async function pruneRuns(sql: Sql, upTo: number): Promise<void> {
  const after = Number((await readMeta(sql, 'trimmed_runs')) ?? 0)
  const kept = await sql.get<{ id: number | null }>(
    'SELECT min(id) AS id FROM event_channels WHERE id > ? AND last_seq > ?',
    [after, upTo],
  )
  await sql.run(
    `DELETE FROM event_channels WHERE id > ? AND id < ? AND NOT EXISTS
       (SELECT 1 FROM events WHERE seq BETWEEN event_channels.first_seq AND event_channels.last_seq)`,
    [after, kept?.id ?? Number.MAX_SAFE_INTEGER],
  )
  // Ids of rows that were the newest are given out again, so the next pass begins after the last that is left.
  const newest = await sql.get<{ id: number }>('SELECT coalesce(max(id), 0) AS id FROM event_channels')
  await writeMeta(sql, 'trimmed_runs', String(kept?.id ? kept.id - 1 : (newest?.id ?? 0)))
}
