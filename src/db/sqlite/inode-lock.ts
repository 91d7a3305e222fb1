/**
 * A hard link is a second name that leads nowhere: no path shows that two names are one file. Device and inode do, so on
 * Linux a server also holds a name of theirs in the kernel's own list of sockets, where no file is left behind and which
 * ends with the process. Elsewhere, and between containers, a file with several names is refused while a server has not
 * closed it (sqlite.ts).
 */
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { inUse } from './database-lock.ts'

export interface InodeLock {
  release(): void
}

const NOTHING: InodeLock = { release() {} }

/** Rejects when another server has the file. null: there is no such file yet. */
export async function lockInode(path: string): Promise<InodeLock | null> {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (!found) return null
  if (process.platform !== 'linux') return NOTHING
  const server = createServer((socket) => socket.destroy())
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(inUse(path, error))
      // Harmless: a system that forbids such sockets still has the lock beside the file.
      else resolve(NOTHING)
    })
    server.listen(`\0boardcast-database-${found.dev}-${found.ino}`, () =>
      resolve({ release: () => void server.close() }),
    )
  })
}
