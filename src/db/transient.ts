/**
 * Counts the transient events of the log (log lines, output, events on topics), which retention limits. Counting all rows
 * takes too long, so the count is kept in memory and stored now and then.
 */
import { readMeta, writeMeta } from './meta.ts'
import type { Bounds } from './snapshot.ts'
import type { Sql } from './sql.ts'

export interface Transient {
  readonly events: number
  /** Of payload. */
  readonly bytes: number
}

/** The count of a log with these bounds. Other processes may have written since. */
export interface TransientCount extends Transient, Bounds {}

const COUNT_AFTER = `SELECT count(*) AS events, coalesce(sum(octet_length(data)), 0) AS bytes
  FROM events WHERE seq > ? AND chatter = 1`

/**
 * Counts what is in the log now. Continues from an earlier count if events were only added since, otherwise from the
 * stored one, which every trimming updates.
 */
export async function countTransient(sql: Sql, now: Bounds, before?: TransientCount): Promise<TransientCount> {
  const isUsable = before !== undefined && before.oldest === now.oldest && before.newest <= now.newest
  const base = isUsable ? before : await readNote(sql, now)
  if (base.newest === now.newest) return { ...base, ...now }
  const since = await sql.get<Transient>(COUNT_AFTER, [base.newest])
  return { events: base.events + (since?.events ?? 0), bytes: base.bytes + (since?.bytes ?? 0), ...now }
}

/** Stores the count up to a sequence number. */
export async function noteTransient(sql: Sql, { events, bytes }: Transient, upTo: number): Promise<void> {
  await writeMeta(sql, 'chatter', `${events} ${bytes} ${upTo}`)
}

/** An earlier version wrote the number with every COMMIT and without a sequence number: it holds for the whole log. */
async function readNote(sql: Sql, { newest }: Bounds): Promise<Transient & { newest: number }> {
  const noted = (await readMeta(sql, 'chatter')) ?? '0 0 0'
  const [events = 0, bytes = 0, upTo = newest] = noted.split(' ').map(Number)
  return { events, bytes, newest: upTo }
}
