/**
 * Transactions on the one connection of an embedded database. Groups of mutations and reads take turns, first come
 * first served: otherwise a read on the shared connection would see uncommitted writes. While no other transaction is
 * open, a transaction begins in the same turn of the event loop.
 */
import type { Sql } from '../sql.ts'
import { faultOf, StorageUnavailable } from '../storage-fault.ts'
import type { ReadTransaction, Transactions, WriteTransaction } from '../transactions.ts'

export function oneConnection(sql: Sql): Transactions {
  const turns = new Turns()
  async function begin(statement: string): Promise<OpenTransaction> {
    const turn = turns.take()
    if (turn) await turn
    try {
      await sql.run(statement)
    } catch (error) {
      turns.pass()
      throw error
    }
    return new OpenTransaction(sql, turns)
  }
  return {
    // Takes the write lock at once. A later upgrade of a read could fail.
    write: () => begin('BEGIN IMMEDIATE'),
    // Without a transaction, a second process could commit between two queries.
    read: () => begin('BEGIN'),
  }
}

class OpenTransaction implements WriteTransaction, ReadTransaction {
  readonly sql: Sql
  readonly #turns: Turns

  constructor(sql: Sql, turns: Turns) {
    this.sql = sql
    this.#turns = turns
  }

  savepoint(): Promise<void> {
    return this.sql.run('SAVEPOINT mutation')
  }

  async keep(continues: boolean): Promise<undefined> {
    try {
      await this.sql.run('RELEASE mutation')
      if (continues) await this.savepoint()
    } catch (error) {
      // All statements before it have succeeded, so it is the fault of the storage.
      throw new StorageUnavailable(faultOf(error), error)
    }
  }

  async undo(): Promise<void> {
    await this.sql.run('ROLLBACK TO mutation')
    await this.keep(false)
  }

  async commit(): Promise<void> {
    await this.sql.run('COMMIT')
  }

  async rollback(): Promise<void> {
    try {
      await this.sql.run('ROLLBACK')
    } catch {
      // Harmless: no transaction is open, which is the desired state.
    }
  }

  release(): void {
    this.#turns.pass()
  }

  async end(): Promise<void> {
    try {
      await this.commit()
    } catch {
      await this.rollback()
    }
    this.release()
  }
}

/** A FIFO lock. */
class Turns {
  #isTaken = false
  readonly #waiting: Array<() => void> = []

  /** Takes the turn at once and returns undefined, or resolves when it comes. */
  take(): Promise<void> | undefined {
    if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    return undefined
  }

  pass(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#isTaken = false
  }
}
