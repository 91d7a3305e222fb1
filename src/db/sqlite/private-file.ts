/**
 * Files that only their owner may read. The database holds everything that rights keep apart, and the key of the server's
 * cookies; most systems would let every local user read what SQLite creates.
 */
import { chmodSync, chownSync, closeSync, fsyncSync, openSync, type Stats } from 'node:fs'
import { resolve } from 'node:path'

const OWNER_ONLY = 0o600

/** Creates an empty file, which SQLite then uses, with its companions of the same mode. Leaves one that exists as it is. */
export function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'a', OWNER_ONLY))
  } catch {
    // SQLite fails too, and tells why.
  }
}

/** Gives a file the mode and the owner of the one that it replaces; undefined: there was none. */
export function takeOver(path: string, replaced: Stats | undefined): void {
  chmodSync(path, replaced ? replaced.mode & 0o777 : OWNER_ONLY)
  if (!replaced) return
  try {
    chownSync(path, replaced.uid, replaced.gid)
  } catch {
    // Only root may give files away.
  }
}

/** Returns when what was written to a file is on disk. */
export function sync(path: string): void {
  const file = openSync(resolve(path), 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
