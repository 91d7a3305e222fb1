/** A database file that no server uses, for as long as a command works on it. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { findDatabase, lockBeside } from './database-lock.ts'
import { lockInode } from './inode-lock.ts'

export interface UnusedFile {
  /** Without symbolic links. The file may not exist. */
  readonly path: string
  release(): void
}

/** Keeps servers off the file. Rejects with a sentence for the user, with `InUse` if a server uses it. */
export async function takeUnused(dbPath: string): Promise<UnusedFile> {
  const path = findDatabase(dbPath)
  if (!existsSync(dirname(path))) throw new Error(`the folder ${dirname(path)} does not exist.`)
  const inode = await lockInode(path)
  try {
    const lock = lockBeside(path, dbPath)
    return {
      path,
      release() {
        lock.giveUp()
        inode?.release()
      },
    }
  } catch (error) {
    inode?.release()
    throw error
  }
}
