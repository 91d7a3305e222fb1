/**
 * The connections of a node: one that writes, and a few that read. They are opened when they are first needed, and
 * replaced when they have failed. A transaction that takes too long ends its connection.
 */
import pg from 'pg'
import type { Durability } from '../../base/config.ts'
import { Deadline } from './deadline.ts'
import { asFault } from './faults.ts'

export interface ConnectionSettings {
  readonly url: string
  readonly node: string
  readonly durability: Durability
  /** Transactions may take as long as they like: those of the start, which bring a large database up to date. */
  readonly isPatient?: boolean
}

/** With the one that listens and the one that shows the node to be alive, no more than 10. */
const MAX_READERS = 6
/** Callers are answered within 5 s, whatever the database does. */
const ANSWER_WITHIN_MS = 4_500
/** A node that stops in the middle of a transaction holds up the others for as long as this. */
export const IDLE_IN_TRANSACTION_MS = 3_000

export class Connections {
  readonly #settings: ConnectionSettings
  readonly #writers: pg.Pool
  readonly #readers: pg.Pool

  constructor(settings: ConnectionSettings) {
    this.#settings = settings
    this.#writers = this.#pool(1, [
      `SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`,
      ...(settings.durability === 'process' ? ['SET synchronous_commit = off'] : []),
    ])
    this.#readers = this.#pool(MAX_READERS, [])
  }

  /** Rejects with `storage_unavailable`. */
  forWriting(): Promise<pg.PoolClient> {
    return connected(this.#writers)
  }

  forReading(): Promise<pg.PoolClient> {
    return connected(this.#readers)
  }

  /** For a transaction that begins now. */
  deadline(): Deadline {
    return new Deadline(this.#settings.isPatient ? Infinity : ANSWER_WITHIN_MS)
  }

  /** Waits for transactions that are open. */
  async close(): Promise<void> {
    await Promise.all([this.#writers.end(), this.#readers.end()])
  }

  #pool(max: number, preparations: readonly string[]): pg.Pool {
    const { url, node } = this.#settings
    const pool = new pg.Pool({
      connectionString: url,
      application_name: `boardcast/${node}`,
      max,
      pipeline: true,
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      idleTimeoutMillis: 0,
      keepAlive: true,
    } as pg.PoolConfig)
    // Statements in place of start-up options, which poolers refuse.
    pool.on('connect', (client) => {
      // A connection in use has failed: its queries fail, too. Without a listener the process would end.
      client.on('error', () => {})
      for (const statement of preparations) client.query(statement, () => {})
    })
    // An idle connection has failed. The pool has dropped it; the next query opens another.
    pool.on('error', () => {})
    return pool
  }
}

async function connected(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw asFault(error)
  }
}
