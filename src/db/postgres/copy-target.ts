/** A database of PostgreSQL as the target of a copy, which is one transaction. */
import { type CopiedRow, type CopiedTable, type CopyTarget, DatabaseRefused } from '../copying.ts'
import { COPY_CONNECTION, keepServersOff } from './in-use.ts'
import { connectOnce, hasTable, identityOf } from './one-client.ts'
import { Queries } from './queries.ts'
import { translateDefinition } from './schema.ts'
import { encodeText } from './text.ts'

/** Rejects with DatabaseRefused, also if it is the database with the identity of the source. */
export async function openPostgresTarget(url: string, source: string | undefined): Promise<CopyTarget> {
  const one = await connectOnce(url, 'TARGET', COPY_CONNECTION)
  const { client } = one
  try {
    if ((await identityOf(one)) === source) throw new DatabaseRefused(`${one.name} is SOURCE itself.`)
    if (!(await keepServersOff(client))) {
      throw new DatabaseRefused(`${one.name} is in use by a Boardcast server, or by another command. Stop it first.`)
    }
    const sql = new Queries(client, translateDefinition)
    await sql.settle('BEGIN')
    const found = (await hasTable(one, 'meta')) ? sql : null
    return {
      name: one.name,
      found,
      async begin(tables) {
        if (tables.length > 0) await sql.settle(`DROP TABLE ${tables.join(', ')}`)
        return sql
      },
      async write(table, rows) {
        await client.query(insertionOf(table), columnsOf(table, rows))
      },
      async finish(tables) {
        for (const { name, key, isCounted } of tables) {
          if (isCounted) await sql.settle(nextKeyOf(name, String(key[0])))
          await sql.settle(`ANALYZE ${name}`)
        }
        await sql.settle('SET LOCAL synchronous_commit = on')
        const command = await sql.settle('COMMIT')
        if (command !== 'COMMIT') throw new Error('the database has rolled the copy back')
      },
      // What was not committed is rolled back with the end of the connection.
      close: one.close,
    }
  } catch (error) {
    await one.close()
    throw one.refuse('cannot be written', error)
  }
}

/** All rows of a batch as one statement: each parameter has the values of a column. */
function insertionOf({ name, columns }: CopiedTable): string {
  const arrays = columns.map(({ isText }, index) => `$${index + 1}::${isText ? 'text' : 'bigint'}[]`)
  return `INSERT INTO ${name} (${columns.map((column) => column.name).join(', ')}) SELECT * FROM unnest(${arrays.join(', ')})`
}

function columnsOf({ columns }: CopiedTable, rows: readonly CopiedRow[]): Array<Array<string | number | null>> {
  return columns.map((_, index) =>
    rows.map((row) => {
      const value = row[index] ?? null
      return typeof value === 'string' ? encodeText(value) : value
    }),
  )
}

/** New rows go on after the copied ones. */
function nextKeyOf(table: string, column: string): string {
  return `SELECT setval(pg_get_serial_sequence('${table}', '${column}'), coalesce(max(${column}), 0) + 1, false) FROM ${table}`
}
