import type { Sql } from '../sql.ts'

/** Lines live in the event log; the attempt only knows about when the last one came. */
export async function noteLineAt(sql: Sql, attemptId: string, now: string): Promise<void> {
  await sql.run('UPDATE attempts SET last_line_at = ? WHERE id = ?', [now, attemptId])
}
