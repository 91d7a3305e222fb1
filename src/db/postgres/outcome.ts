/** What became of a transaction whose connection was lost during its COMMIT. */
import { setTimeout as delay } from 'node:timers/promises'
import { OutcomeUnknown } from '../storage-fault.ts'
import type { Connections } from './connections.ts'
import type { Deadline } from './deadline.ts'
import { Queries } from './queries.ts'

const ASK_EVERY_MS = 100

/**
 * Resolves if it was rolled back; rejects with OutcomeUnknown if that is not certain before the deadline. `committed` is not
 * certain: after a crash PostgreSQL may have given the same id to another transaction.
 */
export async function outcomeOf(
  xid: string,
  connections: Connections,
  deadline: Deadline,
  cause: unknown,
): Promise<void> {
  while (deadline.leftMs > 0) {
    const status = await Promise.race([ask(xid, connections), delay(deadline.leftMs, undefined, { ref: false })])
    if (status === 'aborted') return
    if (status === 'committed') break
    // Still in progress, or the database is starting again.
    await delay(Math.min(ASK_EVERY_MS, deadline.leftMs))
  }
  throw new OutcomeUnknown(cause)
}

async function ask(xid: string, connections: Connections): Promise<string | undefined> {
  try {
    const client = await connections.forReading()
    const deadline = connections.deadline()
    deadline.ends(client)
    try {
      const row = await new Queries(client).get<{ status: string }>('SELECT pg_xact_status(?::xid8) AS status', [xid])
      client.release()
      return row?.status
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
