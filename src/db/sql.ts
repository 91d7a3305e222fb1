/**
 * The port to a database: four verbs with positional `?` parameters, in SQL that SQLite and PostgreSQL share. Every
 * query is awaited; the SQLite driver answers at once, so an unbroken chain of awaits stays in one turn of the event
 * loop.
 */

export type SqlValue = string | number | null

export interface Sql {
  /** The first row, or undefined. */
  get<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row | undefined>
  all<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row[]>
  /** Every row as its values, in the order of the columns: for the many, which cost less without names. */
  values<Row extends readonly SqlValue[]>(query: string, params?: readonly SqlValue[]): Promise<Row[]>
  /** How many rows were changed. */
  run(query: string, params?: readonly SqlValue[]): Promise<number>
}
