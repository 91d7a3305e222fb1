/**
 * Queries of a database: four verbs with `?` parameters, in SQL that SQLite and PostgreSQL share. Every query is awaited.
 * The embedded driver answers in the same turn of the event loop, which makes a group of mutations fast, but nothing may
 * depend on it.
 */

export type SqlValue = string | number | null

export interface Sql {
  /** The first row, or undefined. */
  get<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row | undefined>
  all<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row[]>
  /** Every row as an array of its values, in the order of the columns. Cheaper than `all` for many rows. */
  values<Row extends readonly SqlValue[]>(query: string, params?: readonly SqlValue[]): Promise<Row[]>
  /**
   * A statement without a result. A driver may send it and not wait for the answer: then a failure shows in a later query of
   * the transaction, at the latest when the transaction ends.
   */
  run(query: string, params?: readonly SqlValue[]): Promise<void>
}
