/**
 * A store whose reads take their time, as those of a database on another machine do: every query answers some turns later,
 * and mutations go on meanwhile. A read has the snapshot of one instant, on a connection of its own, and its head.
 */
import SqliteDatabase from 'better-sqlite3'
import { Snapshot } from '../../src/db/snapshot.ts'
import type { Sql, SqlValue } from '../../src/db/sql.ts'
import type { Store } from '../../src/db/store.ts'

/** The newest events may have been trimmed. */
const HEAD = `SELECT max(
  coalesce((SELECT max(seq) FROM events), 0),
  coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'trimmed'), 0)
) AS head`

/** `turnsOfQuery`: how long each query takes, in turns of the event loop. */
export function withSlowReads(store: Store, path: string, turnsOfQuery: () => number): Pick<Store, 'read'> {
  async function slowly<T>(answer: () => T): Promise<T> {
    for (let turns = turnsOfQuery(); turns > 0; turns--) await new Promise(setImmediate)
    return answer()
  }
  return {
    async read(work) {
      const database = new SqliteDatabase(path, { readonly: true })
      const prepared = (query: string) => database.prepare<unknown[], object>(query)
      const sql: Sql = {
        get: <Row extends object>(query: string, params: readonly SqlValue[] = []) =>
          slowly(() => prepared(query).get(...params) as Row | undefined),
        all: <Row extends object>(query: string, params: readonly SqlValue[] = []) =>
          slowly(() => prepared(query).all(...params) as Row[]),
        values: <Row extends readonly SqlValue[]>(query: string, params: readonly SqlValue[] = []) =>
          slowly(
            () =>
              prepared(query)
                .raw()
                .all(...params) as unknown as Row[],
          ),
        run: () => Promise.reject(new Error('a read writes nothing')),
      }
      try {
        database.exec('BEGIN')
        const { head } = database.prepare(HEAD).get() as { head: number }
        const value = await work(new Snapshot(sql, store.epoch, { oldest: 0, newest: head }))
        return await slowly(() => value)
      } finally {
        database.close()
      }
    },
  }
}
