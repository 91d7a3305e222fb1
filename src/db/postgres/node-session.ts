/**
 * The session of a node on a database of PostgreSQL: one connection, which holds two advisory locks. The lock of the name
 * keeps another node from using it, the lock of the session shows that this start of the node is alive. A connection that
 * has failed is replaced at once, since the locks are free meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { uuid } from '../../base/uuid.ts'
import type { NodeSession, Sight } from '../node-session.ts'
import type { Sql } from '../sql.ts'
import { StorageUnavailable } from '../storage-fault.ts'
import { HELD_LOCKS, heldLocks, lockOf } from './advisory-locks.ts'
import { IDLE_IN_TRANSACTION_MS } from './connections.ts'
import { asFault } from './faults.ts'
import { Queries } from './queries.ts'

const CLOCK = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now'
/** Within this time the database ends the connection of a node that was killed. */
const NAME_PATIENCE_MS = 2_000
const TRY_EVERY_MS = 100
const RECONNECT_EVERY_MS = 250
const ANSWER_WITHIN_MS = 4_500

/** Resolves to null if another node that is alive has the name. */
export async function openNodeSession(url: string, node: string): Promise<NodeSession | null> {
  const session = new PostgresSession(url, node)
  try {
    for (const end = performance.now() + NAME_PATIENCE_MS; ; await delay(TRY_EVERY_MS)) {
      if (await session.hasLocks()) return session
      if (performance.now() >= end) break
    }
  } catch (error) {
    await session.close()
    throw asFault(error)
  }
  await session.close()
  return null
}

class PostgresSession implements NodeSession {
  readonly id = uuid()
  readonly #url: string
  readonly #node: string
  readonly #locks: ReadonlyArray<bigint>
  /** Those that this connection holds. */
  #held = new Set<bigint>()
  #client: pg.Client | null = null
  #connecting: Promise<pg.Client> | null = null
  /** One transaction at a time. */
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(url: string, node: string) {
    this.#url = url
    this.#node = node
    this.#locks = [lockOf(`name ${node}`), lockOf(`session ${this.id}`)]
  }

  /** Takes those that are missing. */
  async hasLocks(): Promise<boolean> {
    return this.#takeLocks(await this.#connected())
  }

  look<T>(work: (sql: Sql, sight: Sight) => Promise<T>): Promise<T> {
    const looking = this.#last.then(() => this.#look(work))
    this.#last = looking.catch(() => {})
    return looking
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#connecting?.catch(() => {})
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => {})
  }

  async #look<T>(work: (sql: Sql, sight: Sight) => Promise<T>): Promise<T> {
    let client: pg.Client | undefined
    try {
      client = await this.#connected()
      // An earlier connection of this node may have lived on for a while.
      if (this.#held.size < this.#locks.length) await this.#takeLocks(client)
      const sql = new Queries(client)
      void sql.run('BEGIN')
      const [clocks, locks] = await Promise.all([
        sql.all<{ now: number }>(CLOCK),
        sql.values<readonly [number, number]>(HELD_LOCKS),
      ])
      const held = heldLocks(locks)
      const result = await work(sql, {
        now: clocks[0]?.now ?? 0,
        holds: (session) => held.has(lockOf(`session ${session}`)),
      })
      await sql.settle('COMMIT')
      return result
    } catch (error) {
      // It may be in any state.
      if (client) this.#drop(client)
      throw asFault(error)
    }
  }

  #connected(): Promise<pg.Client> {
    if (this.#client) return Promise.resolve(this.#client)
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }

  async #connect(): Promise<pg.Client> {
    if (this.#isClosed) throw new StorageUnavailable({ kind: 'away', reason: 'The server is stopping.' })
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: `boardcast/${this.#node}`,
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
      keepAlive: true,
      pipeline: true,
    } as pg.ClientConfig)
    client.on('error', () => {})
    try {
      await client.connect()
      // A node that is paused while it renews its lease would keep others from deleting its row.
      await client.query(`SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`)
      this.#held = new Set()
      await this.#takeLocks(client)
    } catch (error) {
      void client.end().catch(() => {})
      throw error
    }
    this.#client = client
    client.once('end', () => this.#drop(client))
    return client
  }

  async #takeLocks(client: pg.Client): Promise<boolean> {
    for (const lock of this.#locks) {
      if (this.#held.has(lock)) continue
      const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1::bigint) AS taken', [
        String(lock),
      ])
      if (rows[0]?.taken) this.#held.add(lock)
    }
    return this.#held.size === this.#locks.length
  }

  #drop(client: pg.Client): void {
    if (this.#client !== client) return
    this.#client = null
    void client.end().catch(() => {})
    void this.#reconnect()
  }

  /** Until there is a connection: the next `look` may come late. */
  async #reconnect(): Promise<void> {
    while (!this.#isClosed && !this.#client) {
      try {
        await this.#connected()
      } catch {
        // Reported by the store, which cannot reach the database either.
        await delay(RECONNECT_EVERY_MS, undefined, { ref: false })
      }
    }
  }
}
