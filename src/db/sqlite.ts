/** The embedded database: better-sqlite3 with one cached prepared statement per text and form of a query. */
import SqliteDatabase from 'better-sqlite3'
import type { Durability } from '../config.ts'
import { Problem } from '../errors.ts'
import type { Database, Sql, SqlValue } from './sql.ts'

type Statement = SqliteDatabase.Statement<unknown[], object>

/**
 * Opens the file, creating it when it does not exist. Throws when the file is not a database, or when another server
 * has it open: two writers would give out the same ids. Readers, such as a backup, may come and go.
 */
export function openSqlite(path: string, durability: Durability): Database {
  const lock = lockFile(path)
  const sqlite = openFile(path, durability, () => lock.close())

  const named = statements((query) => sqlite.prepare(query))
  // A statement gives its rows in one form.
  const nameless = statements((query) => sqlite.prepare(query).raw())

  const sql: Sql = {
    async get<Row extends object>(query: string, params: readonly SqlValue[] = []) {
      return answer(() => named(query).get(...params) as Row | undefined)
    },
    async all<Row extends object>(query: string, params: readonly SqlValue[] = []) {
      return answer(() => named(query).all(...params) as Row[])
    },
    async values<Row extends readonly SqlValue[]>(query: string, params: readonly SqlValue[] = []) {
      return answer(() => nameless(query).all(...params) as unknown as Row[])
    },
    async run(query: string, params: readonly SqlValue[] = []) {
      return answer(() => named(query).run(...params).changes)
    },
  }
  return {
    ...sql,
    close() {
      if (!sqlite.open) return
      sqlite.pragma('wal_checkpoint(TRUNCATE)')
      sqlite.close()
      lock.close()
    },
  }
}

/** The statement of a query, prepared when it is first asked for. */
function statements(prepare: (query: string) => SqliteDatabase.Statement): (query: string) => Statement {
  const prepared = new Map<string, Statement>()
  return (query) => {
    let statement = prepared.get(query)
    if (!statement) {
      statement = prepare(query) as Statement
      prepared.set(query, statement)
    }
    return statement
  }
}

/** Calls `onFailure` before it throws. */
function openFile(path: string, durability: Durability, onFailure: () => void): SqliteDatabase.Database {
  let sqlite: SqliteDatabase.Database | undefined
  try {
    sqlite = new SqliteDatabase(path)
    sqlite.pragma('journal_mode = WAL')
    // FULL syncs the log at every COMMIT; with NORMAL a COMMIT answered 2xx could be lost with the power.
    sqlite.pragma(`synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`)
    sqlite.pragma('foreign_keys = ON')
    sqlite.pragma('cache_size = -65536')
    sqlite.pragma('temp_store = MEMORY')
    sqlite.pragma('journal_size_limit = 67108864')
    return sqlite
  } catch (error) {
    sqlite?.close()
    onFailure()
    throw error
  }
}

/** Faults of the disk rather than of the query: what was asked may succeed later. */
const STORAGE_FAULT = /^SQLITE_(FULL|IOERR|READONLY|CORRUPT|CANTOPEN|NOMEM|BUSY|NOTADB)/

function answer<T>(query: () => T): T {
  try {
    return query()
  } catch (cause) {
    if (!(cause instanceof SqliteDatabase.SqliteError) || !STORAGE_FAULT.test(cause.code)) throw cause
    throw new Problem('storage_unavailable', 'The database cannot be written or read. Try again.', {
      retryAfterS: 1,
      cause,
    })
  }
}

/** A lock that ends with the process, however it ends: an exclusive transaction on an empty database beside the file. */
function lockFile(path: string): SqliteDatabase.Database {
  const lock = new SqliteDatabase(`${path}.lock`, { timeout: 0 })
  try {
    lock.pragma('journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw new Error(
      `${path} is in use by another Boardcast server. Stop it, or choose another file with BOARDCAST_DB.`,
      {
        cause,
      },
    )
  }
  return lock
}
