/**
 * A database that answers later: each query waits some turns of the event loop before it runs and some more before it is
 * answered, as one across a network does. Queries that are made at the same time are run and answered in any order.
 */
import type { Sql, SqlValue } from '../../src/db/sql.ts'
import type { Random } from '../support/random.ts'

const MOST_TURNS = 4

export class SlowSql implements Sql {
  readonly #sql: Sql
  readonly #random: Random

  constructor(sql: Sql, random: Random) {
    this.#sql = sql
    this.#random = random
  }

  get<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row | undefined> {
    return this.#later(() => this.#sql.get<Row>(query, params))
  }

  all<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row[]> {
    return this.#later(() => this.#sql.all<Row>(query, params))
  }

  values<Row extends readonly SqlValue[]>(query: string, params?: readonly SqlValue[]): Promise<Row[]> {
    return this.#later(() => this.#sql.values<Row>(query, params))
  }

  run(query: string, params?: readonly SqlValue[]): Promise<void> {
    return this.#later(() => this.#sql.run(query, params))
  }

  async #later<T>(query: () => Promise<T>): Promise<T> {
    await this.#turns()
    try {
      return await query()
    } finally {
      await this.#turns()
    }
  }

  async #turns(): Promise<void> {
    // At least one: nothing is answered in the turn in which it is asked.
    for (let left = 1 + this.#random.below(MOST_TURNS); left > 0; left--) await new Promise(setImmediate)
  }
}
