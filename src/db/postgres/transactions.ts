/**
 * Transactions of PostgreSQL. One that writes locks the row of the epoch before it reads anything: so the mutations of all
 * nodes run one after the other, and the numbers of the log are drawn in the order of commit.
 */
import type pg from 'pg'
import type { Sql } from '../sql.ts'
import { StorageUnavailable } from '../storage-fault.ts'
import type { Kept, ReadTransaction, Trace, Transactions, WriteTransaction } from '../transactions.ts'
import type { Connections } from './connections.ts'
import type { Deadline } from './deadline.ts'
import { outcomeOf } from './outcome.ts'
import { Queries } from './queries.ts'
import { translateDefinition } from './schema.ts'

const LOCK = `SELECT pg_current_xact_id()::text AS xid FROM meta WHERE name = 'epoch' FOR UPDATE`
const NO_TRACE: Trace = async () => undefined
/** Locks out other nodes that start, before there is a row to lock. The number is any that nobody else uses. */
export const START_LOCK_NUMBER = 7_310_868_273
const START_LOCK = `SELECT pg_advisory_xact_lock(${START_LOCK_NUMBER}), '' AS xid`

export function transactionsOf(connections: Connections): Transactions {
  return {
    write: () => beginWrite(connections, LOCK),
    async read() {
      const deadline = connections.deadline()
      const client = await connections.forReading()
      deadline.ends(client)
      const sql = new Queries(client)
      void sql.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      return new OpenRead(client, sql, deadline)
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
  const deadline = connections.deadline()
  const client = await connections.forWriting()
  deadline.ends(client)
  const sql = new Queries(client, translate)
  void sql.run('BEGIN')
  try {
    const row = await sql.get<{ xid: string }>(lock)
    return new OpenWrite(connections, { client, sql, deadline, xid: row?.xid ?? '' })
  } catch (error) {
    deadline.clear()
    client.release(true)
    throw error
  }
}

interface Begun {
  readonly client: pg.PoolClient
  readonly sql: Queries
  readonly deadline: Deadline
  /** '' : its outcome is not asked for. */
  readonly xid: string
}

class OpenWrite implements WriteTransaction {
  readonly #connections: Connections
  readonly #client: pg.PoolClient
  readonly #sql: Queries
  readonly #deadline: Deadline
  readonly #xid: string
  #mustEnd = false

  constructor(connections: Connections, { client, sql, deadline, xid }: Begun) {
    this.#connections = connections
    this.#client = client
    this.#sql = sql
    this.#deadline = deadline
    this.#xid = xid
  }

  get sql(): Sql {
    return this.#sql
  }

  async savepoint(): Promise<void> {
    await this.#sql.run('SAVEPOINT mutation')
  }

  async keep(continues: boolean): Promise<Kept> {
    // As one: each query has an answer that wakes this process.
    const statement = continues ? 'RELEASE mutation; SAVEPOINT mutation' : 'RELEASE mutation'
    const confirmed = this.#sql.settle(statement).then(() => {})
    // Reported where it is awaited.
    confirmed.catch(() => {})
    return { confirmed }
  }

  async undo(): Promise<void> {
    this.#sql.forgive()
    await this.#sql.run('ROLLBACK TO mutation')
    await this.#sql.run('RELEASE mutation')
  }

  async commit(trace: Trace = NO_TRACE): Promise<void> {
    let command: string
    try {
      command = await this.#sql.settle('COMMIT')
    } catch (error) {
      if (!this.#sql.isLost || this.#xid === '') throw error
      this.#mustEnd = true
      const { committed } = await outcomeOf({ xid: this.#xid, trace, cause: error }, this.#connections, this.#deadline)
      if (committed) return
      throw error
    }
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
    this.#deadline.clear()
    this.#client.release(this.#mustEnd)
  }
}

class OpenRead implements ReadTransaction {
  readonly sql: Sql
  readonly #client: pg.PoolClient
  readonly #queries: Queries
  readonly #deadline: Deadline

  constructor(client: pg.PoolClient, queries: Queries, deadline: Deadline) {
    this.sql = queries
    this.#client = client
    this.#queries = queries
    this.#deadline = deadline
  }

  /** Does not wait for the answer: whoever uses the connection next comes after it. */
  async end(): Promise<void> {
    const release = (isBroken: boolean) => {
      this.#deadline.clear()
      this.#client.release(isBroken)
    }
    this.#queries.settle('COMMIT').then(
      () => release(false),
      () => release(true),
    )
  }
}
