/**
 * Transactions on the one connection of an embedded database. Groups of mutations and reads take turns, first come
 * first served: on a shared connection a read would otherwise see what an open transaction has written so far. While
 * nothing else is open, a transaction begins in the turn of the event loop in which it is asked for.
 */
import type { Sql } from '../sql.ts'
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
    // Takes the write lock now. Taken with the first write it could fail after something else was read.
    write: () => begin('BEGIN IMMEDIATE'),
    // Not only for the order: without it a second process could commit between two queries.
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

  async commit(): Promise<void> {
    await this.sql.run('COMMIT')
  }

  async rollback(): Promise<void> {
    try {
      await this.sql.run('ROLLBACK')
    } catch {
      // Harmless: no transaction is open, which is the state wanted.
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

/** First come, first served. */
class Turns {
  #isTaken = false
  readonly #waiting: Array<() => void> = []

  /** Takes the turn now, or resolves when it has come. */
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
