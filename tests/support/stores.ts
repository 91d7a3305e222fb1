/**
 * The store of a server that a test starts: a file of SQLite, or a database of the PostgreSQL server of the test run, which
 * has one for each path. docs/store.md says how to switch.
 */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { TEMPLATE } from './shared-postgres.ts'

const port = inject('postgresPort')

/** Whether servers use SQLite. If not, says what is skipped: a test about the files of SQLite, or about its locks. */
export function onSqlite(about: string): boolean {
  if (port !== undefined) process.stderr.write(`skipped over PostgreSQL: ${about}\n`)
  return port === undefined
}

/** How often to run a property that commits on every step: less often on PostgreSQL, where a COMMIT takes longer. */
export function runsOf(onSqlite: number): number {
  return port === undefined ? onSqlite : Math.ceil(onSqlite / 6)
}

/** The settings of a server whose store is at a path. The same path is the same store. */
export async function storeAt(dbPath: string): Promise<{ dbPath: string; databaseUrl?: string }> {
  const databaseUrl = await databaseAt(dbPath)
  return { dbPath, ...(databaseUrl !== undefined && { databaseUrl }) }
}

/** The same as variables of the environment. */
export async function storeEnv(dbPath: string): Promise<Record<string, string>> {
  const { databaseUrl } = await storeAt(dbPath)
  return { BOARDCAST_DB: dbPath, ...(databaseUrl !== undefined && { BOARDCAST_DATABASE_URL: databaseUrl }) }
}

/** The URL of the database for a path, which is made when it is first asked for. undefined: the store is the file. */
export async function databaseAt(path: string): Promise<string | undefined> {
  if (port === undefined) return undefined
  const name = nameOf(path)
  try {
    await administer(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === DUPLICATE_DATABASE)) throw error
  }
  return urlOf(name)
}

/** Deletes the database for a path, if there is one. */
export async function dropDatabaseAt(path: string): Promise<void> {
  if (port !== undefined) await administer(`DROP DATABASE IF EXISTS ${nameOf(path)} WITH (FORCE)`)
}

const DUPLICATE_DATABASE = '42P04'

function nameOf(path: string): string {
  return `t_${createHash('sha256').update(resolve(path)).digest('hex').slice(0, 24)}`
}

function urlOf(database: string): string {
  return `postgres://postgres@127.0.0.1:${port}/${database}`
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf('postgres') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
