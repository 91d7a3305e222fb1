/** The line of a doorbell by LISTEN and NOTIFY of PostgreSQL, on a connection that does nothing else. */
import pg from 'pg'
import type { Line, LineOptions } from '../line-doorbell.ts'

/** Of one database: others do not hear it. */
const CHANNEL = 'boardcast'
const ANSWER_WITHIN_MS = 2_500

export async function openListenLine(
  { url, node }: { readonly url: string; readonly node: string },
  { signal, onHeard, onLost }: LineOptions,
): Promise<Line> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `boardcast/${node}`,
    connectionTimeoutMillis: ANSWER_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
    keepAlive: true,
    // Then a connection that does not answer is cut when a query is late, and leaves nothing behind.
    pipeline: true,
  })
  client.on('error', onLost)
  client.on('end', () => onLost(new Error('the connection was closed')))
  client.on('notification', ({ payload = '' }) => onHeard(payload))
  signal.addEventListener('abort', () => void client.end().catch(() => {}), { once: true })
  await client.connect()
  // A ring need not survive a crash, so it does not wait for the disk.
  await client.query('SET synchronous_commit = off')
  await client.query(`LISTEN ${CHANNEL}`)
  return {
    send: (text) => client.query(`SELECT pg_notify('${CHANNEL}', $1)`, [text]),
    // What is sent comes back on the same connection. A text would cost every node a transaction.
    check: () => client.query('SELECT 1'),
  }
}
