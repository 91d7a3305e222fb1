/** A store on a real file, whose database can be made to fail and which can be closed and opened again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CoverageLimits } from '../../src/db/coverage.ts'
import { EventLog } from '../../src/db/log.ts'
import type { LogEvent } from '../../src/db/log-event.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { ALL } from '../../src/db/snapshot.ts'
import type { Sql, SqlValue } from '../../src/db/sql.ts'
import type { Database } from '../../src/db/sqlite/database.ts'
import { openSqlite } from '../../src/db/sqlite/sqlite.ts'
import { createStore, type Store, type Tx } from '../../src/db/store.ts'

/** Sits between the store and the database: counts what passes, and fails what it is told to fail. */
export class WatchedSql implements Sql {
  readonly #sql: Sql
  readonly seen: string[] = []
  /** Asked before every query; what it gives is thrown instead of asking the database. */
  failOn: (query: string) => Error | undefined = () => undefined

  constructor(sql: Sql) {
    this.#sql = sql
  }

  count(query: string): number {
    return this.seen.filter((text) => text === query).length
  }

  async get<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row | undefined> {
    this.#pass(query)
    return this.#sql.get<Row>(query, params)
  }

  async values<Row extends readonly SqlValue[]>(query: string, params?: readonly SqlValue[]): Promise<Row[]> {
    this.#pass(query)
    return this.#sql.values<Row>(query, params)
  }

  async all<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row[]> {
    this.#pass(query)
    return this.#sql.all<Row>(query, params)
  }

  async run(query: string, params?: readonly SqlValue[]): Promise<number> {
    this.#pass(query)
    return this.#sql.run(query, params)
  }

  #pass(query: string): void {
    this.seen.push(query)
    const error = this.failOn(query)
    if (error) throw error
  }
}

export class TestStore implements Disposable {
  readonly path: string
  /** The events of every commit, one list each. */
  readonly published: Array<readonly LogEvent[]> = []
  sql!: WatchedSql
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

  get log(): EventLog {
    return this.store.log
  }

  async reopen(): Promise<void> {
    this.close()
    await this.#open()
  }

  close(): void {
    this.#database.close()
  }

  /** Commits a line of chatter for each message. */
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
    await migrate(this.sql)
    this.store = createStore(this.sql, await EventLog.open(this.sql, this.#limits), (events) =>
      this.published.push(events),
    )
  }
}

/** A line shows on its board, its attempt and its agent, all of one name here. */
export function emitLine(tx: Tx, name: string, message: string): void {
  const about = { boardId: name, cardId: name, agentId: name, attemptId: name }
  tx.emit('attempt.log.appended', { ...about, level: 'info', message, ts: tx.now })
}
