/** The tables of a database file, as its catalog describes them. */
import type SqliteDatabase from 'better-sqlite3'
import type { CopiedTable } from '../copying.ts'

interface ColumnRow {
  readonly name: string
  readonly type: string
  readonly pk: number
}

/** In the order in which they were made, so each refers to earlier ones only. */
export function tablesIn(sqlite: SqliteDatabase.Database): CopiedTable[] {
  const names = sqlite
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
    .pluck()
    .all() as string[]
  return names.map((name) => tableOf(name, sqlite.pragma(`table_info(${name})`) as ColumnRow[]))
}

function tableOf(name: string, rows: readonly ColumnRow[]): CopiedTable {
  const keyed = rows.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
  return {
    name,
    columns: rows.map((row) => ({ name: row.name, isText: row.type === 'TEXT' })),
    key: keyed.map((row) => row.name),
    isCounted: keyed.length === 1 && keyed[0]?.type === 'INTEGER',
  }
}
