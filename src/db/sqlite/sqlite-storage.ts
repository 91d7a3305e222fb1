/** The database file as the storage of a server. */
import type { Storage } from '../storage.ts'
import type { Database } from './database.ts'
import { StorageGuard } from './storage-guard.ts'

export function sqliteStorage(database: Database, maxWalBytes: number): Storage {
  const { files } = database
  return {
    name: files.path,
    watch: (reports) => new StorageGuard({ database, maxWalBytes, ...reports }),
    stopMark: (cursor) => `${files.path}.stopped-${cursor}`,
    // By another name it has another write-ahead log.
    settle: () => database.shortenLog(),
    async close() {
      database.close()
    },
  }
}
