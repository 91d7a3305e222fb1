/**
 * The port to a database: four verbs with positional `?` parameters, in SQL that SQLite and PostgreSQL share. Every
 * query is awaited; the SQLite driver answers at once, so an unbroken chain of awaits stays in one turn of the event
 * loop.
 */
import type { DatabaseFiles } from './database-files.ts'

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

/** A database in files. */
export interface Database extends Sql {
  readonly files: DatabaseFiles
  /** From now on a query that meets another program's lock fails at once, where before it stopped this process for it. */
  neverWait(): void
  /**
   * Moves what the write-ahead log holds into the database, as far as other readers allow, and shortens the log.
   * Failures are none of the caller's: it is tried again.
   */
  shortenLog(): Promise<void>
  /** Moves what the write-ahead log holds into the file and closes it. */
  close(): void
}
