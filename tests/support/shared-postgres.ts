/**
 * One PostgreSQL server for all test files of a project, with a database whose schema is up to date: those of the servers
 * are copies of it.
 */
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { Connections } from '../../src/db/postgres/connections.ts'
import { startTransactionsOf } from '../../src/db/postgres/transactions.ts'
import { PostgresServer } from './postgres.ts'

export const TEMPLATE = 'boardcast_template'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The port of the PostgreSQL server that servers of tests use; undefined: they use SQLite. */
    postgresPort?: number
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Nothing outlives the run, so nothing needs to reach the disk.
  const server = await PostgresServer.start(['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'])
  await server.query(`CREATE DATABASE ${TEMPLATE}`)
  const connections = new Connections({ url: server.url(TEMPLATE), node: 'template', durability: 'process' })
  await migrate(startTransactionsOf(connections))
  await connections.close()
  project.provide('postgresPort', server.port)
  return () => server[Symbol.asyncDispose]()
}
