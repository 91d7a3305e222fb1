/** The embedded database: one file, opened by one server at a time. */
import { existsSync, statSync } from 'node:fs'
import SqliteDatabase from 'better-sqlite3'
import type { Durability } from '../../base/config.ts'
import { checkpointAside } from './checkpoint-aside.ts'
import type { Database } from './database.ts'
import { DatabaseFiles } from './database-files.ts'
import { findDatabase, lockBeside } from './database-lock.ts'
import { LOG_ELSEWHERE, refuseForeign } from './foreign-database.ts'
import { createPrivately } from './private-file.ts'
import { queriesOn } from './queries.ts'

/** How long start-up waits for another program's lock. */
const START_PATIENCE_MS = 5_000
/** The log file keeps at most this size after a checkpoint: overwriting an existing file is faster than growing one. */
export const LONG_LOG_BYTES = 32 * 2 ** 20
/** COMMITs checkpoint the log at this length. Beyond LONG_LOG_BYTES a worker thread does it instead. */
const CHECKPOINT_PAGES = 1_000
/** Checkpointing this many pages takes a few milliseconds. */
const FEW_PAGES = 2_000

/**
 * Opens the file and creates it when it does not exist. Throws when the file is not a Boardcast database, or when another
 * server has it open: two writers would assign the same ids. Readers, such as a backup, are allowed.
 */
export function openSqlite(path: string, durability: Durability): Database {
  const realPath = findDatabase(path)
  const lock = lockBeside(realPath, path)
  const sqlite = openFile(realPath, durability, () => lock.giveUp())
  const files = new DatabaseFiles(path, realPath)
  let isLogLong = false

  /** Call only between transactions. */
  function letCommitsCheckpoint(may: boolean): void {
    isLogLong = !may
    sqlite.pragma(`wal_autocheckpoint = ${may ? CHECKPOINT_PAGES : 0}`)
  }

  return {
    ...queriesOn(sqlite),
    files,
    neverWait() {
      sqlite.pragma('busy_timeout = 0')
    },
    async shortenLog() {
      try {
        if (files.walBytes > LONG_LOG_BYTES) {
          if (!isLogLong) letCommitsCheckpoint(false)
          const left = await checkpointAside(realPath)
          if (left > FEW_PAGES) return
          letCommitsCheckpoint(true)
        }
        if (sqlite.open && !sqlite.inTransaction) sqlite.pragma('wal_checkpoint(TRUNCATE)')
      } catch {
        // Harmless: the log keeps its length until the next attempt.
      }
    },
    close() {
      if (!sqlite.open) return
      try {
        // Closing would checkpoint the log, but not truncate it while another process reads.
        if (files.isInPlace) sqlite.pragma('wal_checkpoint(TRUNCATE)')
      } finally {
        sqlite.close()
        lock.release()
      }
    },
  }
}

/** Calls `onFailure` before it throws. */
function openFile(path: string, durability: Durability, onFailure: () => void): SqliteDatabase.Database {
  let sqlite: SqliteDatabase.Database | undefined
  const hasLog = existsSync(`${path}-wal`)
  try {
    createPrivately(path)
    sqlite = new SqliteDatabase(path, { timeout: START_PATIENCE_MS })
    const { isUnclosed } = refuseForeign(sqlite)
    if (isUnclosed && !hasLog && statSync(path).nlink > 1) {
      throw new Error(LOG_ELSEWHERE)
    }
    sqlite.pragma('journal_mode = WAL')
    // FULL syncs the log at every COMMIT; with NORMAL a COMMIT answered 2xx could be lost with the power.
    sqlite.pragma(`synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`)
    sqlite.pragma('foreign_keys = ON')
    sqlite.pragma('cache_size = -65536')
    sqlite.pragma('temp_store = MEMORY')
    sqlite.pragma(`journal_size_limit = ${LONG_LOG_BYTES}`)
    sqlite.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    return sqlite
  } catch (error) {
    sqlite?.close()
    onFailure()
    throw error
  }
}
