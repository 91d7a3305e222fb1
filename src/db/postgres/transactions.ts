/**
 * Transactions of PostgreSQL. One that writes locks the row of the epoch before it reads anything: so the mutations of all
 * nodes run one after the other, and the numbers of the log are drawn in the order of commit.
 */
import type pg from 'pg'
import type { Sql } from '../sql.ts'
import { StorageUnavailable } from '../storage-fault.ts'
import type { ReadTransaction, Transactions, WriteTransaction } from '../transactions.ts'
import type { Connections } from './connections.ts'
import { Queries } from './queries.ts'
import { translateDefinition } from './schema.ts'

const LOCK = `SELECT value FROM meta WHERE name = 'epoch' FOR UPDATE`
/** Locks out other nodes that start, before there is a row to lock. The number is any that nobody else uses. */
const START_LOCK = 'SELECT pg_advisory_xact_lock(7310868273)'

export function transactionsOf(connections: Connections): Transactions {
  return {
    write: () => beginWrite(connections, LOCK),
    async read() {
      const client = await connections.forReading()
      const sql = new Queries(client)
      void sql.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      return new OpenRead(client, sql)
    },
  }
}

/** Transactions in which the schema and the first rows are made: no two of them run at a time. */
export function startTransactionsOf(connections: Connections): Pick<Transactions, 'write'> {
  return { write: () => beginWrite(connections, START_LOCK, translateDefinition) }
}

async function beginWrite(
  connections: Connections,
  lock: string,
  translate?: (query: string) => string,
): Promise<WriteTransaction> {
  const client = await connections.forWriting()
  const sql = new Queries(client, translate)
  void sql.run('BEGIN')
  try {
    await sql.settle(lock)
  } catch (error) {
    client.release(true)
    throw error
  }
  return new OpenWrite(client, sql)
}

class OpenWrite implements WriteTransaction {
  readonly #client: pg.PoolClient
  readonly #sql: Queries
  #mustEnd = false

  constructor(client: pg.PoolClient, sql: Queries) {
    this.#client = client
    this.#sql = sql
  }

  get sql(): Sql {
    return this.#sql
  }

  async savepoint(): Promise<void> {
    await this.#sql.run('SAVEPOINT mutation')
  }

  async keep(): Promise<void> {
    await this.#sql.settle('RELEASE mutation')
  }

  async undo(): Promise<void> {
    await this.#sql.run('ROLLBACK TO mutation')
    this.#sql.forgive()
    await this.#sql.run('RELEASE mutation')
  }

  async commit(): Promise<void> {
    const command = await this.#sql.settle('COMMIT')
    // PostgreSQL answers a COMMIT of a failed transaction with success.
    if (command !== 'COMMIT') {
      throw new StorageUnavailable({ kind: 'io', reason: 'The database has rolled the change back.' })
    }
  }

  async rollback(): Promise<void> {
    try {
      await this.#sql.settle('ROLLBACK')
    } catch {
      // The connection may be in any state, but closing it rolls back as well.
      this.#mustEnd = true
    }
    this.#sql.forgive()
  }

  release(): void {
    this.#client.release(this.#mustEnd)
  }
}

class OpenRead implements ReadTransaction {
  readonly sql: Sql
  readonly #client: pg.PoolClient
  readonly #queries: Queries

  constructor(client: pg.PoolClient, queries: Queries) {
    this.sql = queries
    this.#client = client
    this.#queries = queries
  }

  /** Does not wait for the answer: whoever uses the connection next comes after it. */
  async end(): Promise<void> {
    this.#queries.settle('COMMIT').then(
      () => this.#client.release(),
      () => this.#client.release(true),
    )
  }
}
