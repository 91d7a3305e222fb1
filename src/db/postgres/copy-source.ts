/** A database of PostgreSQL as the source of a copy. */
import { type CopiedRow, type CopySource, DatabaseRefused } from '../copying.ts'
import type { SqlValue } from '../sql.ts'
import { COPY_CONNECTION, keepServersOff } from './in-use.ts'
import { connectOnce, hasTable, identityOf } from './one-client.ts'
import { Queries } from './queries.ts'

/** The texts of one batch, in characters. One row may hold a mebibyte. */
const BATCH_LENGTH = 2 ** 20
const MAX_BATCH_ROWS = 4_096

/** Rejects with DatabaseRefused. `identity`: of this database among all that could be the target. */
export async function openPostgresSource(url: string): Promise<CopySource & { readonly identity: string }> {
  const one = await connectOnce(url, 'SOURCE', COPY_CONNECTION)
  try {
    if (!(await hasTable(one, 'meta'))) throw new DatabaseRefused(`${one.name} is no Boardcast database.`)
    if (!(await keepServersOff(one.client))) {
      throw new DatabaseRefused(`${one.name} is in use by a Boardcast server, or by another command. Stop it first.`)
    }
    const identity = await identityOf(one)
    const sql = new Queries(one.client)
    await sql.settle('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    return {
      name: one.name,
      identity,
      sql,
      async *rows({ name, columns, key }) {
        const list = columns.map((column) => column.name).join(', ')
        // By a name of its own: the connection remembers the columns of a statement.
        const cursor = `copied_${name}`
        await sql.settle(
          `DECLARE ${cursor} NO SCROLL CURSOR FOR SELECT ${list} FROM ${name} ORDER BY ${key.join(', ')}`,
        )
        for (let size = 64; ; ) {
          const rows = await sql.values<SqlValue[]>(`FETCH ${size} FROM ${cursor}`)
          if (rows.length > 0) yield rows
          if (rows.length < size) break
          size = nextSize(size, rows)
        }
        await sql.settle(`CLOSE ${cursor}`)
      },
      wasStoppedAt: () => false,
      close: one.close,
    }
  } catch (error) {
    await one.close()
    throw one.refuse('cannot be read', error)
  }
}

function nextSize(size: number, rows: readonly CopiedRow[]): number {
  let length = 0
  for (const row of rows) for (const value of row) if (typeof value === 'string') length += value.length
  if (length > BATCH_LENGTH) return Math.max(1, size / 2)
  return length < BATCH_LENGTH / 4 ? Math.min(MAX_BATCH_ROWS, size * 2) : size
}
