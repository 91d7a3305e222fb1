import type { Sql } from '../sql.ts'
import type { DatabaseFiles } from './database-files.ts'

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
