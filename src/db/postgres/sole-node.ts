/** Keeps a second server off a database: a lock that lasts as long as the connection that holds it. */
import pg from 'pg'
import { asFault } from './faults.ts'

/** Any number that nobody else uses. */
const LOCK = 7_310_868_274

export interface SoleNode {
  close(): Promise<void>
}

/** Resolves to null if another server has the lock. */
export async function takeSoleNode(config: pg.ClientConfig): Promise<SoleNode | null> {
  const client = new pg.Client(config)
  client.on('error', () => {})
  async function close(): Promise<void> {
    await client.end().catch(() => {})
  }
  try {
    await client.connect()
    const { rows } = await client.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${LOCK}) AS taken`)
    if (rows[0]?.taken) return { close }
  } catch (error) {
    await close()
    throw asFault(error)
  }
  await close()
  return null
}
