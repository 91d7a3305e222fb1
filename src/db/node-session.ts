/**
 * What shows the other nodes on a database that this one is alive: a lock that lasts as long as the connection that holds
 * it. A driver for several nodes provides it.
 */
import type { Sql } from './sql.ts'

/** What is found at one moment. */
export interface Sight {
  /** Milliseconds since 1970, by the clock of the database. */
  readonly now: number
  /** Whether a node holds the lock of its session. */
  holds(session: string): boolean
}

export interface NodeSession {
  /** Differs from that of every other start of a node. */
  readonly id: string
  /**
   * Runs `work` in a transaction on the connection that holds the lock; it may await nothing but `sql`. Rejects with
   * `storage_unavailable` while the database does not answer.
   */
  look<T>(work: (sql: Sql, sight: Sight) => Promise<T>): Promise<T>
  /** Gives the lock back. Never rejects. */
  close(): Promise<void>
}
