/**
 * Inserts of many rows in few statements: a statement costs more than a row. The statements come in a few sizes only,
 * so that all of them stay prepared.
 */
import type { Sql, SqlValue } from './sql.ts'

const SIZES = [32, 8, 3, 1]

/** A function that inserts rows given one after the other, flat. `onConflict`: the clause that says what else to do. */
export function inserter(
  table: string,
  columns: readonly string[],
  onConflict = '',
): (sql: Sql, values: readonly SqlValue[]) => Promise<void> {
  const width = columns.length
  const row = `(${columns.map(() => '?').join(', ')})`
  const statements = SIZES.map((size) => ({
    values: size * width,
    query:
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${Array(size).fill(row).join(', ')} ${onConflict}`.trimEnd(),
  }))
  return async (sql, values) => {
    let at = 0
    for (const statement of statements) {
      for (; values.length - at >= statement.values; at += statement.values) {
        await sql.run(statement.query, values.slice(at, at + statement.values))
      }
    }
  }
}
