/** What became of a transaction whose connection was lost during its COMMIT. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { OutcomeUnknown } from '../storage-fault.ts'
import type { Trace } from '../transactions.ts'
import type { Connections } from './connections.ts'
import type { Deadline } from './deadline.ts'
import { Queries } from './queries.ts'

const ASK_EVERY_MS = 100
/** SQLSTATE invalid_parameter_value: the id is greater than any that was given. */
const IN_THE_FUTURE = '22023'

export interface LostTransaction {
  readonly xid: string
  readonly trace: Trace
  /** Why its connection was lost. */
  readonly cause: unknown
}

export interface Outcome {
  readonly committed: boolean
}

/**
 * Asks until the database knows. Rejects with OutcomeUnknown if that takes longer than the deadline, or if the transaction
 * left no trace by which to know it.
 *
 * A status of `committed` alone is no proof: after a crash PostgreSQL may have given the same id to another transaction.
 */
export async function outcomeOf(lost: LostTransaction, connections: Connections, deadline: Deadline): Promise<Outcome> {
  while (deadline.leftMs > 0) {
    const answer = await Promise.race([ask(lost, connections), delay(deadline.leftMs, undefined, { ref: false })])
    if (answer?.status === 'aborted' || answer?.status === 'never begun') return { committed: false }
    if (answer?.status === 'committed') {
      if (answer.isThere === undefined) break
      return { committed: answer.isThere }
    }
    // Still in progress, or the database is starting again.
    await delay(Math.min(ASK_EVERY_MS, deadline.leftMs))
  }
  throw new OutcomeUnknown(lost.cause)
}

interface Answer {
  readonly status: string | null
  readonly isThere: boolean | undefined
}

/** undefined: the database does not answer. */
async function ask({ xid, trace }: LostTransaction, connections: Connections): Promise<Answer | undefined> {
  try {
    const client = await connections.forReading()
    const deadline = connections.deadline()
    deadline.ends(client)
    try {
      const sql = new Queries(client)
      const status = await statusOf(xid, sql)
      const isThere = status === 'committed' ? await trace(sql) : undefined
      client.release()
      return { status, isThere }
    } catch (error) {
      client.release(true)
      throw error
    } finally {
      deadline.clear()
    }
  } catch {
    return undefined
  }
}

/** `never begun`: the database has forgotten it in a crash, or has lost it in a failover. */
async function statusOf(xid: string, sql: Queries): Promise<string | null> {
  try {
    const row = await sql.get<{ status: string | null }>('SELECT pg_xact_status(?::xid8) AS status', [xid])
    return row?.status ?? null
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === IN_THE_FUTURE) return 'never begun'
    throw error
  }
}
