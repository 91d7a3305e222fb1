/** Transactions under watch: a test sees every statement, and makes some fail or wait. */
import { faultOf, StorageUnavailable } from '../../src/db/storage-fault.ts'
import type { Kept, Transactions, WriteTransaction } from '../../src/db/transactions.ts'
import { WatchedSql } from '../support/test-store.ts'

/** What the transactions of a node have in common. */
export class Watch {
  readonly seen: string[] = []
  /** Called before every statement; when it returns an error, that is thrown instead of running the statement. */
  failOn: (query: string) => Error | undefined = () => undefined
  /** Awaited before every statement. */
  before: ((query: string) => Promise<void>) | undefined

  async pass(query: string): Promise<void> {
    if (this.before) await this.before(query)
    this.seen.push(query)
    const error = this.failOn(query)
    if (error) throw error
  }
}

export function watched({ write, read }: Transactions, watch: Watch): Transactions {
  return {
    async write() {
      await watch.pass('BEGIN IMMEDIATE')
      return new WatchedWrite(await write(), watch)
    },
    async read() {
      await watch.pass('BEGIN')
      const transaction = await read()
      return { sql: watchedSql(transaction.sql, watch), end: () => transaction.end() }
    },
  }
}

class WatchedWrite implements WriteTransaction {
  readonly sql: WatchedSql
  readonly #transaction: WriteTransaction
  readonly #watch: Watch

  constructor(transaction: WriteTransaction, watch: Watch) {
    this.sql = watchedSql(transaction.sql, watch)
    this.#transaction = transaction
    this.#watch = watch
  }

  async savepoint(): Promise<void> {
    await this.#watch.pass('SAVEPOINT mutation')
    await this.#transaction.savepoint()
  }

  async keep(continues: boolean): Promise<Kept | undefined> {
    try {
      await this.#watch.pass('RELEASE mutation')
    } catch (error) {
      throw new StorageUnavailable(faultOf(error), error)
    }
    return this.#transaction.keep(continues)
  }

  async commit(): Promise<void> {
    await this.#watch.pass('COMMIT')
    await this.#transaction.commit()
  }

  undo = () => this.#transaction.undo()
  rollback = () => this.#transaction.rollback()
  release = () => this.#transaction.release()
}

function watchedSql(sql: ConstructorParameters<typeof WatchedSql>[0], watch: Watch): WatchedSql {
  const all = new WatchedSql(sql)
  all.before = (query) => watch.pass(query)
  return all
}
