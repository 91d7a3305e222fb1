/** SQL on the store of a server, beside it: for tests that look at what is stored, or that change it. */

import { Connections } from '../../src/db/postgres/connections.ts'
import { transactionsOf } from '../../src/db/postgres/transactions.ts'
import type { Sql } from '../../src/db/sql.ts'
import { databaseAt } from './stores.ts'
import { openUnlocked } from './unlocked.ts'

/** Runs queries on the store at a path. Over PostgreSQL, as one transaction. */
export async function besideServer<T>(path: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const url = await databaseAt(path)
  if (url === undefined) {
    const { sql, close } = openUnlocked(path)
    try {
      return await work(sql)
    } finally {
      close()
    }
  }
  const connections = new Connections({ url, node: 'test', durability: 'process' })
  try {
    const transaction = await transactionsOf(connections).write()
    try {
      const result = await work(transaction.sql)
      await transaction.commit()
      return result
    } finally {
      transaction.release()
    }
  } finally {
    await connections.close()
  }
}

/** Every row of every table, as JSON. */
export async function everythingIn(path: string): Promise<string> {
  const isPostgres = (await databaseAt(path)) !== undefined
  return besideServer(path, async (sql) => {
    const tables = await sql.all<{ name: string }>(
      isPostgres
        ? "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
        : "SELECT name FROM sqlite_master WHERE type = 'table'",
    )
    const contents: object[] = []
    for (const { name } of tables) contents.push(await sql.all(`SELECT * FROM ${name}`))
    return JSON.stringify(contents)
  })
}
