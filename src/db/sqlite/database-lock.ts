/**
 * Prevents two servers from using one database. The lock is an exclusive transaction on an empty database beside the file.
 * The operating system releases it when the process exits or crashes. Symbolic links are resolved first, so that every
 * path to a file uses the same lock. Hard links need more (inode-lock.ts).
 */
import { existsSync, lstatSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { createPrivately } from './private-file.ts'

export interface DatabaseLock {
  release(): void
  /** Releases the lock and deletes the lock file if this lock created it. */
  giveUp(): void
}

/** Resolves a path to an absolute one without symbolic links. Throws when it cannot be a database. */
export function findDatabase(path: string): string {
  const realPath = realPathOf(resolve(path))
  const found = statSync(realPath, { throwIfNoEntry: false })
  if (found?.isDirectory()) throw new Error('it is a directory; name a file in it, such as boardcast.db')
  if (found && !found.isFile()) throw new Error('it is not a regular file')
  return realPath
}

/** Another server uses the file. */
export class InUse extends Error {
  override readonly name: string = 'InUse'

  constructor(path: string, cause?: unknown) {
    super(`${path} is in use by another Boardcast server. Stop it, or choose another file with BOARDCAST_DB.`, {
      cause,
    })
  }
}

/** Locks a file. `path` is its configured path, for the error. Throws when another server holds the lock. */
export function lockBeside(realPath: string, path: string): DatabaseLock {
  const lockPath = `${realPath}.lock`
  const wasThere = existsSync(lockPath)
  createPrivately(lockPath)
  const lock = new SqliteDatabase(lockPath, { timeout: 0 })
  try {
    lock.pragma('journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    const isHeld = cause instanceof SqliteDatabase.SqliteError && cause.code.startsWith('SQLITE_BUSY')
    throw isHeld ? new InUse(path, cause) : cause
  }
  return {
    release: () => void lock.close(),
    giveUp() {
      lock.close()
      if (!wasThere) rmSync(lockPath, { force: true })
    },
  }
}

/** Resolves links as SQLite does: a link may point to a file that does not exist yet. */
function realPathOf(path: string): string {
  const link = lstatSync(path, { throwIfNoEntry: false })
  const folder = existsSync(dirname(path)) ? realpathSync.native(dirname(path)) : dirname(path)
  if (!link) return join(folder, basename(path))
  if (link.isSymbolicLink() && !existsSync(path)) return realPathOf(resolve(folder, readlinkSync(path)))
  return realpathSync.native(path)
}
