/**
 * Whether the last server on this database was stopped or died. A stop is written into the database; where it cannot be
 * (a full disk, another program's lock), an empty file beside it says so, for which there nearly always is room. Its name
 * holds the position that the log stands at: it says nothing about any other state, such as that of a restored backup.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { Logger } from '../base/logger.ts'
import { readMeta, writeMeta } from '../db/meta.ts'
import type { Database } from '../db/sqlite/database.ts'
import type { Store } from '../db/store.ts'
import { settleInterrupted } from '../domain/attempts.ts'
import { disconnectAll } from '../domain/presence.ts'

/** How long a stop waits for the lock of another program. */
const PATIENCE_MS = 2_000
const RETRY_MS = 50

/**
 * Notes that the database is in use. If its last server died, whatever ran then runs no more, and is settled. Resolves
 * to how many attempts were.
 */
export async function noteStart(store: Store, database: Database): Promise<number> {
  const mark = markOf(store, database)
  const wasStopped = existsSync(mark)
  const settled = await store.transact(async (tx) => {
    const crashed = (await readMeta(tx.sql, 'in_use')) === '1' && !wasStopped
    await writeMeta(tx.sql, 'in_use', '1')
    // The sockets of a server that died are gone, though nobody could say so.
    await disconnectAll(tx)
    return crashed ? settleInterrupted(tx) : 0
  })
  if (wasStopped) rmSync(mark, { force: true })
  // Whoever opens the file by another name must find it in use, and has another write-ahead log.
  await database.shortenLog()
  return settled
}

/** Notes that the server was stopped, as well as it can be. Never rejects: a stop is a stop. */
export async function noteStop(store: Store, database: Database, logger: Logger): Promise<void> {
  try {
    await withPatience(() =>
      store.tryAnyway(async (tx) => {
        await disconnectAll(tx)
        await writeMeta(tx.sql, 'in_use', '0')
      }),
    )
  } catch (cause) {
    try {
      writeFileSync(markOf(store, database), '')
      logger.warn({ err: cause }, 'the stop could not be written into the database; a file beside it says so')
    } catch (error) {
      logger.error({ err: error }, 'the stop could not be noted: the next start will settle attempts as interrupted')
    }
  }
}

function markOf({ log }: Store, { files }: Database): string {
  return `${files.path}.stopped-${formatCursor(log.epoch, log.head)}`
}

/** Another program may hold its lock for a moment only. */
async function withPatience(work: () => Promise<void>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (performance.now() >= end) throw error
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}
