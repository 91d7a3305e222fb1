/** A store without a server, and SQL beside it, for tests of the domain. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Log } from '../../src/db/log.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { Connections } from '../../src/db/postgres/connections.ts'
import { Queries } from '../../src/db/postgres/queries.ts'
import { startTransactionsOf, transactionsOf } from '../../src/db/postgres/transactions.ts'
import type { Sql } from '../../src/db/sql.ts'
import { oneConnection } from '../../src/db/sqlite/one-connection.ts'
import { openSqlite } from '../../src/db/sqlite/sqlite.ts'
import { createStore, type Store, type StoreOptions } from '../../src/db/store.ts'
import { databaseAt, dropDatabaseAt } from './stores.ts'
import { storeOn } from './test-store.ts'

export interface OpenedTestStore {
  readonly store: Store
  readonly sql: Sql
  close(): Promise<void>
}

/** On the store that the run of the tests is over. */
export async function openTestStore(options?: StoreOptions): Promise<OpenedTestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-store-'))
  const path = join(folder, 'test.db')
  const url = await databaseAt(path)
  const opened = await (url === undefined ? onSqlite(path, options) : onPostgres(url, options))
  return {
    ...opened,
    async close() {
      await opened.close()
      await dropDatabaseAt(path)
      rmSync(folder, { recursive: true })
    },
  }
}

async function onSqlite(path: string, options?: StoreOptions): Promise<OpenedTestStore> {
  const sql = openSqlite(path, 'process')
  await migrate(oneConnection(sql))
  const store = await storeOn(sql, undefined, options)
  return { store, sql, close: async () => sql.close() }
}

async function onPostgres(url: string, options?: StoreOptions): Promise<OpenedTestStore> {
  const connections = new Connections({ url, node: 'test', durability: 'process' })
  const log = await Log.open(startTransactionsOf(connections))
  const store = createStore(transactionsOf(connections), log, () => {}, options)
  const client = await connections.forReading()
  const queries = new Queries(client)
  const sql: Sql = {
    get: (query, params) => queries.get(query, params),
    all: (query, params) => queries.all(query, params),
    values: (query, params) => queries.values(query, params),
    // Fails here, not in a later query.
    run: async (query, params) => void (await queries.all(query, params)),
  }
  return {
    store,
    sql,
    async close() {
      client.release()
      await connections.close()
    },
  }
}
