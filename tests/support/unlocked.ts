/** A connection to an SQLite file that others may have open as well: without the lock that keeps a second server out. */
import SqliteDatabase from 'better-sqlite3'
import type { Sql } from '../../src/db/sql.ts'
import { queriesOn } from '../../src/db/sqlite/queries.ts'

export interface Unlocked {
  readonly sql: Sql
  close(): void
}

export function openUnlocked(path: string): Unlocked {
  // Waiting for a lock would stop the whole process, and with it whoever holds the lock.
  const sqlite = new SqliteDatabase(path, { timeout: 0 })
  sqlite.pragma('journal_mode = WAL')
  sqlite.pragma('synchronous = OFF')
  sqlite.pragma('foreign_keys = ON')
  return { sql: queriesOn(sqlite), close: () => void sqlite.close() }
}
