/**
 * Keeps nodes of the version before out of a step of a migration. The step locks tables, and PostgreSQL ends one of two
 * transactions that wait for each other. So it first waits for the others where they hold nothing that it waits for itself:
 *
 *   a mutation   locks the row of the epoch in `meta`, then uses other tables
 *   a read       reads `meta`, then other tables
 *   a step       locks `meta`, then what it changes
 */
import type { Sql } from '../sql.ts'

/** Everybody waits behind a step that waits. Less than the second after which PostgreSQL looks for a deadlock. */
const LOCK_WITHIN_MS = 800

/** At the beginning of a step. `schema`: the steps before it. A later statement fails as `busy` when a lock is not free soon. */
export async function lockOutOthers(sql: Sql, schema: number): Promise<void> {
  await sql.run(`SET LOCAL lock_timeout = ${LOCK_WITHIN_MS}`)
  if (schema === 0) return
  await sql.run('LOCK TABLE meta IN ACCESS EXCLUSIVE MODE')
}
