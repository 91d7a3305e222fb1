/**
 * Retention: deletes the oldest transient events when there are too many, and keeps board events. What was deleted is
 * recorded as one sequence number, after which nothing is missing, and by channel (coverage.ts).
 */
import type { RetentionPolicy } from '../base/config.ts'
import type { Coverage } from './coverage.ts'
import { type EventRow, type LogEvent, SELECT_EVENTS, toEvent } from './log-event.ts'
import { readMeta, writeMeta } from './meta.ts'
import type { Sql } from './sql.ts'
import { noteTransient, type Transient, type TransientCount } from './transient.ts'

export interface Trimmed {
  /** The newest that was deleted. */
  readonly upTo: number
  readonly left: Transient
  /** There may be more to delete. */
  readonly more: boolean
}

/** Bytes of payload that one step deletes; the last event may exceed it. */
const STEP_BYTES = 2 * 2 ** 20
/** Rows of one read, at first and at most. */
const FIRST_READ = 8
const MOST_READ = 512
/** Where a row has its stored text, whose size counts. The event may show it in another form. */
const STORED = 3
const SELECT_TRANSIENT = `${SELECT_EVENTS} WHERE seq > ? AND chatter = 1 ORDER BY seq LIMIT ?`

interface Trimming {
  readonly policy: RetentionPolicy
  /** Milliseconds since 1970. */
  readonly now: number
  readonly maxEvents: number
  /** Exact. */
  readonly count: TransientCount
  /** Nothing up to here is transient. */
  readonly scanned: number
  readonly coverage: Coverage
}

/** Deletes the excess, inside a transaction. `scanned`: nothing up to there is transient; null: nothing in the log is. */
export async function trimTransient(
  sql: Sql,
  trimming: Trimming,
): Promise<{ scanned: number | null; trimmed: Trimmed | null }> {
  const { count, coverage } = trimming
  const { events, left, scanned, more } = await readExcess(sql, trimming)
  const upTo = events.at(-1)?.seq
  if (upTo === undefined) return { scanned, trimmed: null }
  await coverage.note(sql, events)
  await sql.run('DELETE FROM events WHERE seq > ? AND seq <= ? AND chatter = 1', [count.oldest, upTo])
  await trimRanges(sql, upTo)
  await writeMeta(sql, 'trimmed', String(upTo))
  await noteTransient(sql, left, count.newest)
  return { scanned, trimmed: { upTo, left, more } }
}

interface Excess {
  readonly events: readonly LogEvent[]
  readonly left: Transient
  readonly scanned: number | null
  readonly more: boolean
}

/** The oldest transient events beyond the policy. Usually there are few, but they may be long, so the first read is small. */
async function readExcess(sql: Sql, { policy, now, maxEvents, count, scanned }: Trimming): Promise<Excess> {
  const excess: LogEvent[] = []
  let { events, bytes } = count
  let begin: number | null = null
  const result = (more: boolean) => ({ events: excess, left: { events, bytes }, scanned: begin, more })
  for (let size = FIRST_READ; excess.length < maxEvents; size = Math.min(4 * size, MOST_READ)) {
    const wanted = Math.min(size, maxEvents - excess.length)
    const rows = await sql.values<EventRow>(SELECT_TRANSIENT, [excess.at(-1)?.seq ?? scanned, wanted])
    for (const row of rows) {
      const event = toEvent(row)
      begin ??= event.seq - 1
      if (events <= policy.maxEvents && bytes <= policy.maxBytes && event.at >= now - policy.maxAgeMs) {
        return result(false)
      }
      if (count.bytes - bytes > STEP_BYTES) return result(true)
      excess.push(event)
      events -= 1
      bytes -= Buffer.byteLength(row[STORED])
    }
    if (rows.length < wanted) return result(false)
  }
  return result(true)
}

/** Rows of the index are in the order of sequence numbers, so each pass continues where the last one stopped. */
async function trimRanges(sql: Sql, upTo: number): Promise<void> {
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
  // The ids of deleted newest rows are used again, so the next pass begins after the last row that is left.
  const newest = await sql.get<{ id: number }>('SELECT coalesce(max(id), 0) AS id FROM event_channels')
  await writeMeta(sql, 'trimmed_runs', String(kept?.id ? kept.id - 1 : (newest?.id ?? 0)))
}
