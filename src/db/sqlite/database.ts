import type { Sql } from '../sql.ts'
import type { DatabaseFiles } from './database-files.ts'

/** A database that is stored in files. */
export interface Database extends Sql {
  readonly files: DatabaseFiles
  /** From now on a query fails at once when another program holds a lock, instead of blocking the process. */
  neverWait(): void
  /**
   * Checkpoints the write-ahead log as far as other readers allow, and truncates it. Never rejects: the caller tries
   * again later.
   */
  shortenLog(): Promise<void>
  /** Checkpoints the write-ahead log and closes the files. */
  close(): void
}
