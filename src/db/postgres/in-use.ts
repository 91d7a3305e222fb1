/**
 * Who uses a database of PostgreSQL, by the names of their connections: those of nodes begin with `boardcast/`. Whoever
 * comes connects first and looks for the other afterwards, so that of two at least one sees the other.
 */
import type pg from 'pg'
import { START_LOCK_NUMBER } from './transactions.ts'

export const COPY_CONNECTION = 'boardcast copy'

const COUNT_NODES = `SELECT count(*) AS found FROM pg_stat_activity
  WHERE datname = current_database() AND starts_with(application_name, 'boardcast/')`
const COUNT_COPIES = `SELECT count(*) AS found FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = '${COPY_CONNECTION}'`

/**
 * Keeps servers off the database until the connection ends: one that starts waits for its schema. Resolves to false if a
 * node uses the database, or starts, or another command keeps them off.
 */
export async function keepServersOff(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${START_LOCK_NUMBER}) AS taken`)
  return rows[0]?.taken === true && (await count(client, COUNT_NODES)) === 0
}

/** Whether a command is copying the database, or into it. */
export async function isBeingCopied(client: pg.Client): Promise<boolean> {
  return (await count(client, COUNT_COPIES)) > 0
}

async function count(client: pg.Client, query: string): Promise<number> {
  const { rows } = await client.query<{ found: string }>(query)
  return Number(rows[0]?.found)
}
