/** The `Sql` port on better-sqlite3. Prepared statements are cached by query text and row form. */
import SqliteDatabase from 'better-sqlite3'
import type { Sql, SqlValue } from '../sql.ts'
import { faultOfCode, StorageUnavailable } from '../storage-fault.ts'

type Statement = SqliteDatabase.Statement<unknown[], object>

export function queriesOn(sqlite: SqliteDatabase.Database): Sql {
  const named = statements((query) => sqlite.prepare(query))
  // A statement returns rows in one form only, so there are two caches.
  const nameless = statements((query) => sqlite.prepare(query).raw())
  return {
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
      answer(() => named(query).run(...params))
    },
  }
}

/** Caches statements; each is prepared on first use. */
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

function answer<T>(query: () => T): T {
  try {
    return query()
  } catch (cause) {
    const fault = cause instanceof SqliteDatabase.SqliteError ? faultOfCode(cause.code) : undefined
    throw fault ? new StorageUnavailable(fault, cause) : cause
  }
}
