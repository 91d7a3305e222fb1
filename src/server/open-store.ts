/** The store that the settings ask for: a file, or a database of PostgreSQL. */
import type { Config } from '../base/config.ts'
import { openSqliteStore } from './open-sqlite.ts'
import type { OpenedStore } from './opened-store.ts'

/** Brings the database up to date. Rejects with ConfigError if it cannot be used. */
export async function openStore(config: Config): Promise<OpenedStore> {
  if (config.databaseUrl === undefined) return openSqliteStore(config)
  // Who has a file does not load the driver of PostgreSQL.
  const { openPostgresStore } = await import('./open-postgres.ts')
  return openPostgresStore(config.databaseUrl, config)
}
