/** The tables of a schema, found by making them: nothing has to be listed a second time. */
import SqliteDatabase from 'better-sqlite3'
import type { CopiedTable } from '../copying.ts'
import { migrate } from '../migrations/migrate.ts'
import { tablesIn } from '../sqlite/catalog.ts'
import { oneConnection } from '../sqlite/one-connection.ts'
import { queriesOn } from '../sqlite/queries.ts'

/** Facts about the database. They are in every database that was opened, so they make none full. */
export const META = 'meta'
/** The log and what belongs to it. */
export const LOG_TABLES: ReadonlySet<string> = new Set(['events', 'event_channels', 'trimmed'])
/** They tell of nodes that run. They are made, and stay empty. */
export const NODE_TABLES: ReadonlySet<string> = new Set(['nodes', 'passed_events'])

/** In an order in which rows can be inserted. */
export async function tablesOf(schema: number): Promise<CopiedTable[]> {
  const sqlite = new SqliteDatabase(':memory:')
  try {
    await migrate(oneConnection(queriesOn(sqlite)), schema)
    return tablesIn(sqlite)
  } finally {
    sqlite.close()
  }
}
