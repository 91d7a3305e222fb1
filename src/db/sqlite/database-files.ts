/**
 * Checks that the files of an open database are still at their paths. SQLite keeps using the files that it opened. If one
 * is deleted or replaced, every COMMIT still succeeds, and all of them are lost when the process exits.
 */
import { type Stats, statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { StorageFault } from '../storage-fault.ts'

/** SQLite's smallest page size; every other page size is a multiple of it. */
const SMALLEST_PAGE = 512

export class DatabaseFiles {
  /** The path of the file, with symbolic links resolved. */
  readonly path: string
  readonly #named: string
  readonly #opened: Stats | undefined
  /** The -wal and -shm files as first seen. SQLite keeps both open as long as the database. */
  readonly #companions = new Map<string, Stats>()
  readonly #wal: string
  readonly #shm: string

  /** Call right after opening. `path` is the configured path, `realPath` the same with symbolic links resolved. */
  constructor(path: string, realPath: string) {
    this.path = realPath
    this.#named = resolve(path)
    this.#opened = statOf(path)
    this.#wal = `${realPath}-wal`
    this.#shm = `${realPath}-shm`
  }

  /** Whether the path still names the file that is open. Cheap enough to check before every COMMIT. */
  get isInPlace(): boolean {
    const now = statOf(this.#named)
    return isSame(now, this.#opened) && isWhole(now)
  }

  /** Describes what happened to the files; null when they are in place. */
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

  /** Free disk space for this process; Infinity when it is unknown. */
  get freeBytes(): number {
    try {
      const { blocks, bavail, bfree, bsize } = statfsSync(dirname(this.#wal))
      if (blocks === 0) return Infinity
      // Only root may use the reserved blocks of a file system.
      return (process.getuid?.() === 0 ? bfree : bavail) * bsize
    } catch {
      return Infinity // Harmless: a write then shows whether there is room.
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

/** Whether the file consists of whole pages. A truncated or overwritten database rarely has such a size. */
function isWhole(file: Stats | undefined): boolean {
  return file !== undefined && file.size > 0 && file.size % SMALLEST_PAGE === 0
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined // Harmless: a file that cannot be examined counts as missing.
  }
}
