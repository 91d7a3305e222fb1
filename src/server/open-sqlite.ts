/** Opens the database file, migrates it and opens its log. Every fault of the file is a ConfigError that names it. */
import { type Config, ConfigError } from '../base/config.ts'
import { Log } from '../db/log.ts'
import { migrate, NewerSchema } from '../db/migrations/migrate.ts'
import type { Database } from '../db/sqlite/database.ts'
import { type InodeLock, lockInode } from '../db/sqlite/inode-lock.ts'
import { oneConnection } from '../db/sqlite/one-connection.ts'
import { openSqlite } from '../db/sqlite/sqlite.ts'
import { sqliteStorage } from '../db/sqlite/sqlite-storage.ts'
import { StorageUnavailable } from '../db/storage-fault.ts'
import type { OpenedStore } from './opened-store.ts'
import { refuseNonFile, storageFault } from './start-faults.ts'

/** Throws ConfigError if the file cannot be opened or is not a Boardcast database. */
export async function openSqliteStore(config: Config): Promise<OpenedStore> {
  const database = await openDatabase(config)
  try {
    const transactions = oneConnection(database)
    await migrate(transactions)
    const log = await Log.open(transactions)
    database.neverWait()
    const storage = sqliteStorage(database, config.maxWalBytes)
    return { storage, transactions, log, session: null, peers: null, explain: (error) => explanation(config, error) }
  } catch (cause) {
    closeQuietly(database)
    const fault = storageFault(config, cause)
    if (fault) throw fault
    if (cause instanceof NewerSchema) throw newerSchema(config, cause)
    const why =
      cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause)
    throw new ConfigError(`BOARDCAST_DB=${config.dbPath} cannot be used: ${why}. Choose another file, or restore it.`, {
      cause,
    })
  }
}

function explanation(config: Config, error: unknown): ConfigError | undefined {
  const fault = storageFault(config, error)
  if (fault || !(error instanceof StorageUnavailable)) return fault
  return new ConfigError(`BOARDCAST_DB=${config.dbPath} cannot be used: ${error.fault.reason}`, { cause: error })
}

function newerSchema({ dbPath }: Config, cause: NewerSchema): ConfigError {
  return new ConfigError(
    `BOARDCAST_DB=${dbPath} was written by a newer Boardcast (schema ${cause.schema}; this version knows ${cause.known}). ` +
      'Install that version, or choose another file.',
    { cause },
  )
}

/** Used when start-up fails; the cause has already been reported. */
function closeQuietly(database: Database): void {
  try {
    database.close()
  } catch {
    // Harmless: the process is about to exit, and nothing was written.
  }
}

async function openDatabase(config: Config): Promise<Database> {
  const { dbPath, durability } = config
  refuseNonFile(config)
  let inode: InodeLock | null = null
  try {
    inode = await lockInode(dbPath)
    const database = openSqlite(dbPath, durability)
    try {
      inode ??= await lockInode(dbPath)
    } catch (cause) {
      closeQuietly(database)
      throw cause
    }
    return {
      ...database,
      close() {
        database.close()
        inode?.release()
      },
    }
  } catch (cause) {
    inode?.release()
    const fault = storageFault(config, cause)
    if (fault) throw fault
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`BOARDCAST_DB=${dbPath} cannot be opened: ${why.replace(/\.?$/, '.')}`, { cause })
  }
}
