/**
 * Hard links cannot be recognised by path. On Linux the server also binds an abstract socket named after device and inode.
 * The kernel removes it when the process exits. On other systems, and between containers, a file with several names is
 * refused while a server has not closed it (sqlite.ts).
 */
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { InUse } from './database-lock.ts'

export interface InodeLock {
  release(): void
}

const NOTHING: InodeLock = { release() {} }

/** Rejects when another server uses the file. Resolves to null when the file does not exist yet. */
export async function lockInode(path: string): Promise<InodeLock | null> {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (!found) return null
  if (process.platform !== 'linux') return NOTHING
  const server = createServer((socket) => socket.destroy())
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(new InUse(path, error))
      // Harmless: where such sockets are forbidden, the lock beside the file remains.
      else resolve(NOTHING)
    })
    server.listen(`\0boardcast-database-${found.dev}-${found.ino}`, () =>
      resolve({ release: () => void server.close() }),
    )
  })
}
