/** A store on a real file that can be made to fail, and can be closed and opened again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CoverageLimits } from '../../src/db/coverage.ts'
import { Log } from '../../src/db/log.ts'
import type { LogEvent } from '../../src/db/log-event.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { ALL } from '../../src/db/snapshot.ts'
import type { Sql, SqlValue } from '../../src/db/sql.ts'
import type { Database } from '../../src/db/sqlite/database.ts'
import { oneConnection } from '../../src/db/sqlite/one-connection.ts'
import { openSqlite } from '../../src/db/sqlite/sqlite.ts'
import { createStore, type Store, type StoreOptions, type Tx } from '../../src/db/store.ts'
import type { Publish } from '../../src/db/tail.ts'
import type { Transactions } from '../../src/db/transactions.ts'
import type { Transient } from '../../src/db/transient.ts'

/** Sits between the store and the database: counts queries, and makes some fail. */
export class WatchedSql implements Sql {
  readonly #sql: Sql
  readonly seen: string[] = []
  /** Called before every query; when it returns an error, that is thrown instead of running the query. */
  failOn: (query: string) => Error | undefined = () => undefined
  /** Awaited before every query. */
  before: ((query: string) => Promise<void>) | undefined

  constructor(sql: Sql) {
    this.#sql = sql
  }

  count(query: string): number {
    return this.seen.filter((text) => text === query).length
  }

  async get<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row | undefined> {
    if (this.before) await this.before(query)
    this.#pass(query)
    return this.#sql.get<Row>(query, params)
  }

  async values<Row extends readonly SqlValue[]>(query: string, params?: readonly SqlValue[]): Promise<Row[]> {
    if (this.before) await this.before(query)
    this.#pass(query)
    return this.#sql.values<Row>(query, params)
  }

  async all<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row[]> {
    if (this.before) await this.before(query)
    this.#pass(query)
    return this.#sql.all<Row>(query, params)
  }

  async run(query: string, params?: readonly SqlValue[]): Promise<void> {
    if (this.before) await this.before(query)
    this.#pass(query)
    return this.#sql.run(query, params)
  }

  #pass(query: string): void {
    this.seen.push(query)
    const error = this.failOn(query)
    if (error) throw error
  }
}

/** A store on a database that is brought up to date already. */
export async function storeOn(sql: Sql, publish: Publish = () => {}, options?: StoreOptions): Promise<Store> {
  const transactions = oneConnection(sql)
  return createStore(transactions, await Log.open(transactions), publish, options)
}

export class TestStore implements Disposable {
  readonly path: string
  /** The events of every commit, one list each. */
  readonly published: Array<readonly LogEvent[]> = []
  sql!: WatchedSql
  transactions!: Transactions
  log!: Log
  store!: Store
  #database!: Database
  readonly #folder: string
  readonly #limits: CoverageLimits | undefined

  private constructor(limits: CoverageLimits | undefined) {
    this.#limits = limits
    this.#folder = mkdtempSync(join(tmpdir(), 'boardcast-db-'))
    this.path = join(this.#folder, 'test.db')
  }

  static async open(limits?: CoverageLimits): Promise<TestStore> {
    const made = new TestStore(limits)
    await made.#open()
    return made
  }

  /** How many transient events the store believes that there are. */
  get transient(): Transient {
    const { events, bytes } = this.store.transient
    return { events, bytes }
  }

  async reopen(): Promise<void> {
    this.close()
    await this.#open()
  }

  close(): void {
    this.#database.close()
  }

  /** Commits a transient event for each message. */
  say(attemptId: string, ...messages: string[]): Promise<string> {
    return this.store.transact(async (tx) => {
      for (const message of messages) emitLine(tx, attemptId, message)
      return tx.eventId
    })
  }

  /** Commits an event that is kept for ever. */
  keep(boardId: string): Promise<string> {
    return this.store.transact(async (tx) => {
      tx.emit('board.updated', { boardId, changes: { name: 'n' } })
      return tx.eventId
    })
  }

  async events(): Promise<readonly LogEvent[]> {
    return (await this.store.read((snapshot) => snapshot.readAfter(ALL, 0, Number.MAX_SAFE_INTEGER))).events
  }

  [Symbol.dispose](): void {
    this.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #open(): Promise<void> {
    this.#database = openSqlite(this.path, 'process')
    this.sql = new WatchedSql(this.#database)
    this.transactions = oneConnection(this.sql)
    await migrate(this.transactions)
    this.log = await Log.open(this.transactions, this.#limits)
    this.store = createStore(this.transactions, this.log, (events) => this.published.push(events))
  }
}

/** A line shows on its board, its attempt and its agent, which have the same name here. */
export function emitLine(tx: Tx, name: string, message: string): void {
  const about = { boardId: name, cardId: name, agentId: name, attemptId: name }
  tx.emit('attempt.log.appended', { ...about, level: 'info', message, ts: tx.now })
}
