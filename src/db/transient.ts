/**
 * How many transient events (log lines, output, events on topics) the log holds, which is what retention goes by. Going
 * through the log would take too long, so the number is kept in memory, and written down now and then.
 */
import { readMeta, writeMeta } from './meta.ts'
import type { Bounds } from './snapshot.ts'
import type { Sql } from './sql.ts'

export interface Transient {
  readonly events: number
  /** Of payload. */
  readonly bytes: number
}

/** Counted when the log had these bounds. Other processes may have written since. */
export interface TransientCount extends Transient, Bounds {}

const COUNT_AFTER = `SELECT count(*) AS events, coalesce(sum(octet_length(data)), 0) AS bytes
  FROM events WHERE seq > ? AND chatter = 1`

/**
 * Counts what is in the log now. Starts from an earlier count when only more was written since, or else from what was
 * last written down, as it is after every trimming.
 */
export async function countTransient(sql: Sql, now: Bounds, before?: TransientCount): Promise<TransientCount> {
  const isUsable = before !== undefined && before.oldest === now.oldest && before.newest <= now.newest
  const base = isUsable ? before : await readNote(sql, now)
  if (base.newest === now.newest) return { ...base, ...now }
  const since = await sql.get<Transient>(COUNT_AFTER, [base.newest])
  return { events: base.events + (since?.events ?? 0), bytes: base.bytes + (since?.bytes ?? 0), ...now }
}

/** Writes down how many there are up to a sequence number. */
export async function noteTransient(sql: Sql, { events, bytes }: Transient, upTo: number): Promise<void> {
  await writeMeta(sql, 'chatter', `${events} ${bytes} ${upTo}`)
}

/** A note without a position is of a version that wrote it with every COMMIT, and so holds for the whole log. */
async function readNote(sql: Sql, { newest }: Bounds): Promise<Transient & { newest: number }> {
  const noted = (await readMeta(sql, 'chatter')) ?? '0 0 0'
  const [events = 0, bytes = 0, upTo = newest] = noted.split(' ').map(Number)
  return { events, bytes, newest: upTo }
}
