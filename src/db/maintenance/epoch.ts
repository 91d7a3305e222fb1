/** Reads and renews the epoch of a database: cursors of earlier epochs get a gap. */
import { randomBytes } from 'node:crypto'
import { isDatabaseUrl, shownUrl } from '../../base/database-url.ts'
import { sqliteEpoch } from '../sqlite/epoch.ts'
import { noDatabaseUrl } from './databases.ts'

/** A file, or the URL of a database of PostgreSQL. */
export type NamedDatabase = { readonly file: string } | { readonly url: string }

/** As operators know it: a path, or a URL without a password. */
export function shownDatabase(database: NamedDatabase): string {
  return 'file' in database ? database.file : shownUrl(database.url)
}

/** Rejects with DatabaseRefused. */
export function readEpoch(database: NamedDatabase): Promise<string> {
  return epochOf(database)
}

/** Resolves to the new epoch. Rejects with DatabaseRefused, also while a server uses the file. */
export function newEpoch(database: NamedDatabase): Promise<string> {
  return epochOf(database, randomBytes(4).toString('hex'))
}

async function epochOf(database: NamedDatabase, fresh?: string): Promise<string> {
  if ('file' in database) return sqliteEpoch(database.file, fresh)
  if (!isDatabaseUrl(database.url)) throw noDatabaseUrl('The database must be')
  const { postgresEpoch } = await import('../postgres/epoch.ts')
  return postgresEpoch(database.url, fresh)
}
