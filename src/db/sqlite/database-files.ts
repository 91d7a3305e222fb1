/**
 * The files of an open database, seen through the file system. SQLite goes on with the files that it opened whatever
 * happens to their names: one that was deleted or replaced takes every COMMIT, and all of it is gone at the end.
 */
import { type Stats, statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { StorageFault } from '../storage-fault.ts'

/** The smallest that SQLite has; every other is a multiple of it. */
const SMALLEST_PAGE = 512

export class DatabaseFiles {
  /** Where the file is, links followed. */
  readonly path: string
  readonly #named: string
  readonly #opened: Stats | undefined
  /** The companions as they were first seen; SQLite keeps both open as long as the database is. */
  readonly #companions = new Map<string, Stats>()
  readonly #wal: string
  readonly #shm: string

  /** To be made right after opening. `path` is what was asked for, `realPath` where links lead. */
  constructor(path: string, realPath: string) {
    this.path = realPath
    this.#named = resolve(path)
    this.#opened = statOf(path)
    this.#wal = `${realPath}-wal`
    this.#shm = `${realPath}-shm`
  }

  /** Whether the path still names the file that is open. Cheap enough to be asked before every COMMIT. */
  get isInPlace(): boolean {
    const now = statOf(this.#named)
    return isSame(now, this.#opened) && isWhole(now)
  }

  /** What happened to the files; null: they are where they were. */
  displacement(): StorageFault | null {
    const now = statOf(this.#named)
    if (!now) return moved('The database file was deleted or renamed while the server runs.')
    if (!isSame(now, this.#opened)) return moved('The database file was replaced by another while the server runs.')
    if (!isWhole(now)) return moved('The database file was cut off or overwritten while the server runs.')
    if (!this.#isCompanionInPlace(this.#wal)) {
      return moved('The write-ahead log of the database was deleted: stop the server, which saves what it holds.')
    }
    if (!this.#isCompanionInPlace(this.#shm)) {
      return moved('The shared memory file of the database was deleted: restart the server.')
    }
    return null
  }

  get walBytes(): number {
    return statOf(this.#wal)?.size ?? 0
  }

  /** What this process may still write on the disk; Infinity where nobody can tell. */
  get freeBytes(): number {
    try {
      const { blocks, bavail, bfree, bsize } = statfsSync(dirname(this.#wal))
      if (blocks === 0) return Infinity
      // The reserve of a file system is there for root.
      return (process.getuid?.() === 0 ? bfree : bavail) * bsize
    } catch {
      return Infinity // Harmless: whether there is room is then found out by writing.
    }
  }

  #isCompanionInPlace(path: string): boolean {
    const now = statOf(path)
    const first = this.#companions.get(path)
    if (first) return isSame(now, first)
    if (now) this.#companions.set(path, now)
    return true
  }
}

function moved(reason: string): StorageFault {
  return { kind: 'moved', reason }
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one?.ino === other?.ino && one?.dev === other?.dev
}

/** Whether there are whole pages of a database; what was written over one, or cut it off, seldom has that size. */
function isWhole(file: Stats | undefined): boolean {
  return file !== undefined && file.size > 0 && file.size % SMALLEST_PAGE === 0
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined // Harmless: what cannot be looked at is not there for us.
  }
}
