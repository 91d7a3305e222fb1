/** Checks the content of a file before anything is written to it: a mistyped path must not damage another database. */
import type SqliteDatabase from 'better-sqlite3'

export interface Found {
  /** It has no tables yet. */
  readonly isEmpty: boolean
  /** A Boardcast server used it and did not close it. */
  readonly isUnclosed: boolean
}

/** Why a file with several hard links is refused: opened by another name, it lacks its write-ahead log. */
export const LOG_ELSEWHERE =
  'it has several names (hard links), and a server that used it under another name has not closed it. ' +
  'Use the name that has the write-ahead log beside it'

/** Throws when the file holds tables of another program. */
export function refuseForeign(sqlite: SqliteDatabase.Database): Found {
  const tables = sqlite
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .pluck()
    .all() as string[]
  if (tables.length === 0) return { isEmpty: true, isUnclosed: false }
  const columns = sqlite.prepare("SELECT name FROM pragma_table_info('meta')").pluck().all() as string[]
  if (columns.join() !== 'name,value') throw foreign(tables)
  const facts = new Map(sqlite.prepare('SELECT name, value FROM meta').raw().all() as Array<[string, string]>)
  // A server that was killed while it created a database leaves this table and no other.
  if (!facts.has('schema') && (tables.length > 1 || facts.size > 0)) throw foreign(tables)
  return { isEmpty: !facts.has('schema'), isUnclosed: facts.get('in_use') === '1' }
}

function foreign(tables: readonly string[]): Error {
  const named = tables.filter((name) => name !== 'meta').slice(0, 3)
  return new Error(
    `it is the database of another program, with tables such as ${named.join(', ') || 'meta'}. Choose another file.`,
  )
}
