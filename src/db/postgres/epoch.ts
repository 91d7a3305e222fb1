/** The epoch of a database of PostgreSQL, whether nodes use it or not. */
import { DatabaseRefused } from '../copying.ts'
import { plainEpoch } from '../lost-epoch.ts'
import { connectOnce, hasTable } from './one-client.ts'

/** Resolves to the epoch; `fresh` is stored in its place. Rejects with DatabaseRefused. */
export async function postgresEpoch(url: string, fresh?: string): Promise<string> {
  const one = await connectOnce(url, '', 'boardcast epoch')
  try {
    if (!(await hasTable(one, 'meta'))) throw new DatabaseRefused(`${one.name} is no Boardcast database.`)
    // Transactions of nodes hold the row that is written, so none of them goes on under the other epoch.
    const { rows } = await one.client.query<{ value: string }>(
      fresh === undefined
        ? `SELECT value FROM meta WHERE name = 'epoch'`
        : { text: `UPDATE meta SET value = $1 WHERE name = 'epoch' RETURNING value`, values: [fresh] },
    )
    const [row] = rows
    if (!row) throw new DatabaseRefused(`${one.name} has no epoch yet: start a server on it once.`)
    return plainEpoch(row.value)
  } catch (error) {
    throw one.refuse('cannot be used', error)
  } finally {
    await one.close()
  }
}
