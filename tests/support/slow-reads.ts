/**
 * A store whose reads take their time, as those of a database on another machine do: every query answers some turns later,
 * and mutations go on meanwhile. A read has the snapshot of one instant, on a connection of its own, and its head.
 */

import SqliteDatabase from 'better-sqlite3'
import { Snapshot } from '../../src/db/snapshot.ts'
import type { Sql, SqlValue } from '../../src/db/sql.ts'
import type { Store } from '../../src/db/store.ts'
import { createRandom } from './random.ts'

/** The newest events may have been trimmed. */
const BOUNDS = `SELECT trimmed AS oldest, max(trimmed, coalesce((SELECT max(seq) FROM events), 0)) AS newest
  FROM (SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'trimmed'), 0) AS trimmed)`

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
        const bounds = database.prepare(BOUNDS).get() as { oldest: number; newest: number }
        const value = await work(new Snapshot(sql, store.epoch, bounds))
        return await slowly(() => value)
      } finally {
        database.close()
      }
    },
  }
}

/** A different number of turns each time, at most `most`; the same for the same seed. */
export function turnsFrom(seed: number, most = 4): () => number {
  const random = createRandom(seed)
  return () => random.below(most + 1)
}
