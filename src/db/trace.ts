/** By what a transaction that wrote events is known again, when the answer to its COMMIT was lost. */
import type { LogEvent } from './log-event.ts'
import type { Trace } from './transactions.ts'

const SELECT_TRACE = `SELECT (SELECT count(*) FROM events WHERE seq = ? AND at = ? AND type = ? AND data = ?) AS found,
  (SELECT value FROM meta WHERE name = 'trimmed') AS trimmed`

/** Its last event. Another transaction may have taken its number, with another time or text. */
export function traceOf(events: readonly LogEvent[]): Trace | undefined {
  const last = events.at(-1)
  if (!last) return undefined
  const { seq, at, type, data } = last
  return async (sql) => {
    const row = await sql.get<{ found: number; trimmed: string | null }>(SELECT_TRACE, [seq, at, type, data])
    if (row?.found) return true
    // Retention may have deleted it since.
    return Number(row?.trimmed ?? 0) >= seq ? undefined : false
  }
}
