/**
 * Retention: the oldest chatter goes when there is too much of it; board events stay. What went is remembered as one
 * position, at or after which nothing is missing.
 */
import type { RetentionPolicy } from '../config.ts'
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
}

/** Deletes what is too much, inside a transaction. `scanned` goes on from where chatter begins; null: there is none. */
export async function pruneChatter(
  sql: Sql,
  { policy, now, maxEvents, chatter, head, trimmed, scanned }: Pruning,
): Promise<{ scanned: number | null; trim: Trim | null }> {
  const rows = await sql.all<{ seq: number; at: number; size: number }>(
    'SELECT seq, at, octet_length(data) AS size FROM events WHERE seq > ? AND chatter = 1 ORDER BY seq LIMIT ?',
    [scanned, maxEvents],
  )
  let { events, bytes } = chatter
  let upTo = 0
  for (const row of rows) {
    if (events <= policy.maxEvents && bytes <= policy.maxBytes && row.at >= now - policy.maxAgeMs) break
    upTo = row.seq
    events -= 1
    bytes -= row.size
  }
  const begin = rows[0] ? rows[0].seq - 1 : null
  if (upTo === 0) return { scanned: begin, trim: null }
  await sql.run('DELETE FROM events WHERE seq > ? AND seq <= ? AND chatter = 1', [trimmed, upTo])
  await pruneRuns(sql, upTo)
  await writeMeta(sql, 'trimmed', String(upTo))
  const left = { events, bytes }
  await noteChatter(sql, left, head)
  const more = rows.length === maxEvents && upTo === rows.at(-1)?.seq
  return { scanned: begin, trim: { upTo, chatter: left, more } }
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
