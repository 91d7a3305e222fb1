/** A database file as the source of a copy. */
import { existsSync } from 'node:fs'
import type SqliteDatabase from 'better-sqlite3'
import type { CopiedRow, CopySource } from '../copying.ts'
import { keepServersOff, nameFile, refuseMissing } from './named-file.ts'
import { openOurs } from './our-database.ts'
import { queriesOn } from './queries.ts'

/** The texts of one batch, in characters. */
const BATCH_LENGTH = 2 ** 20
const MAX_BATCH_ROWS = 4_096

/** Rejects with DatabaseRefused. `path`: of the file, without symbolic links. */
export async function openSqliteSource(given: string): Promise<CopySource & { readonly path: string }> {
  const file = nameFile(given, 'SOURCE')
  refuseMissing(file)
  const unused = await keepServersOff(file)
  let sqlite: SqliteDatabase.Database
  try {
    sqlite = openOurs(file.path)
  } catch (error) {
    unused.release()
    throw file.refuse('is no Boardcast database that can be copied', error)
  }
  const sql = queriesOn(sqlite)
  sqlite.exec('BEGIN')
  return {
    name: file.name,
    path: file.path,
    sql,
    async *rows({ name, columns, key }) {
      const list = columns.map((column) => column.name).join(', ')
      const query = sqlite.prepare(`SELECT ${list} FROM ${name} ORDER BY ${key.join(', ')}`).raw()
      let batch: CopiedRow[] = []
      let length = 0
      for (const row of query.iterate() as Iterable<CopiedRow>) {
        batch.push(row)
        for (const value of row) if (typeof value === 'string') length += value.length
        if (batch.length < MAX_BATCH_ROWS && length < BATCH_LENGTH) continue
        yield batch
        batch = []
        length = 0
      }
      if (batch.length > 0) yield batch
    },
    wasStoppedAt: (cursor) => existsSync(`${file.path}.stopped-${cursor}`),
    async close() {
      sqlite.close()
      unused.release()
    },
  }
}
