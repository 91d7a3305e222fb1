/**
 * Keeps a second server off a database. The lock is an exclusive transaction on an empty database beside the file, which
 * the operating system ends with the process, however that ends. It lies where links lead: whatever a path looks like,
 * it is one lock for one file. What hard links need beyond that is in inode-lock.ts.
 */
import { existsSync, lstatSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import SqliteDatabase from 'better-sqlite3'

export interface DatabaseLock {
  release(): void
  /** The file is not used after all: nothing that the lock left beside it stays. */
  giveUp(): void
}

/** Where a path leads: absolute, without symbolic links. Throws when that cannot be a database. */
export function findDatabase(path: string): string {
  const realPath = realPathOf(resolve(path))
  const found = statSync(realPath, { throwIfNoEntry: false })
  if (found?.isDirectory()) throw new Error('it is a directory; name a file in it, such as boardcast.db')
  if (found && !found.isFile()) throw new Error('it is not a regular file')
  return realPath
}

export function inUse(path: string, cause?: unknown): Error {
  return new Error(
    `${path} is in use by another Boardcast server. Stop it, or choose another file with BOARDCAST_DB.`,
    { cause },
  )
}

/** Takes the lock of a file. `path` is how it was named. Throws when another server has it. */
export function lockBeside(realPath: string, path: string): DatabaseLock {
  const lockPath = `${realPath}.lock`
  const wasThere = existsSync(lockPath)
  const lock = new SqliteDatabase(lockPath, { timeout: 0 })
  try {
    lock.pragma('journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    const isHeld = cause instanceof SqliteDatabase.SqliteError && cause.code.startsWith('SQLITE_BUSY')
    throw isHeld ? inUse(path, cause) : cause
  }
  return {
    release: () => void lock.close(),
    giveUp() {
      lock.close()
      if (!wasThere) rmSync(lockPath, { force: true })
    },
  }
}

/** As SQLite does it: a link may lead to a file that is yet to be made. */
function realPathOf(path: string): string {
  const link = lstatSync(path, { throwIfNoEntry: false })
  const folder = existsSync(dirname(path)) ? realpathSync.native(dirname(path)) : dirname(path)
  if (!link) return join(folder, basename(path))
  if (link.isSymbolicLink() && !existsSync(path)) return realPathOf(resolve(folder, readlinkSync(path)))
  return realpathSync.native(path)
}
