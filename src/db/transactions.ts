/** What a database driver provides beside the queries: transactions that write, one at a time, and consistent reads. */
import type { Sql } from './sql.ts'

export interface Transactions {
  /**
   * Begins a transaction that writes. While it is open no other one writes, in this process or another, and it sees
   * everything that was committed before. Fails at once when another program holds the lock of an embedded database.
   */
  write(): Promise<WriteTransaction>
  /** Begins a transaction that only reads. All of its queries see the same instant, whatever is committed meanwhile. */
  read(): Promise<ReadTransaction>
}

/**
 * Looks for what a transaction wrote. Resolves to true if it is there, so the transaction was committed; to false if it is
 * not; to undefined if that tells nothing.
 */
export type Trace = (sql: Sql) => Promise<boolean | undefined>

export interface WriteTransaction {
  readonly sql: Sql
  /** From here on `undo` can undo. There is one savepoint at a time. */
  savepoint(): Promise<void>
  /**
   * Ends the savepoint, and with `continues` begins another one. Resolves to undefined if all statements since have succeeded. Otherwise their answers are still on
   * their way, and what comes next may be sent meanwhile. Rejects with StorageUnavailable.
   */
  keep(continues: boolean): Promise<Kept | undefined>
  /** Undoes everything since the savepoint, and ends it. */
  undo(): Promise<void>
  /**
   * Resolves when everything is durable and visible to others. A driver whose connection is lost meanwhile looks for the
   * trace on another one; it rejects with OutcomeUnknown if it cannot learn what became of the transaction.
   */
  commit(trace?: Trace): Promise<void>
  /** Undoes everything. Never rejects: some failures have rolled back by themselves. */
  rollback(): Promise<void>
  /** Gives the connection back. To be called once, after `commit` or `rollback`. */
  release(): void
}

export interface Kept {
  /**
   * Rejects if one of the statements has failed. Then everything that was sent after it has failed, too, and `undo` undoes
   * all of it. Needs no handler until it is awaited.
   */
  readonly confirmed: Promise<void>
}

export interface ReadTransaction {
  readonly sql: Sql
  /** Ends it and gives the connection back. Never rejects: there is nothing to lose. */
  end(): Promise<void>
}
