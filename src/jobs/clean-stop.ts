/**
 * Records whether the last server on this database was stopped or crashed. A clean stop is written into the database. If
 * that fails (a full disk, another program's lock), an empty file beside it records the stop. The file's name contains the
 * head of the log, so that it does not apply to any other state, such as a restored backup.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import type { Logger } from '../base/logger.ts'
import type { Leader } from '../db/lease.ts'
import { readMeta, writeMeta } from '../db/meta.ts'
import type { Storage } from '../db/storage.ts'
import type { Store } from '../db/store.ts'
import { disconnectAll } from '../domain/presence.ts'
import { withPatience } from './patience.ts'
import { settleLastRun } from './settling.ts'

/** Records that the database is in use and settles the last run. Resolves to the number of attempts that were ended. */
export async function noteStart(store: Store, leader: Leader, storage: Storage): Promise<number> {
  const mark = storage.stopMark(store.cursor)
  const wasStopped = mark !== null && existsSync(mark)
  const settled = await leader.transact(async (tx) => {
    const crashed = (await readMeta(tx.sql, 'in_use')) === '1' && !wasStopped
    await writeMeta(tx.sql, 'in_use', '1')
    return settleLastRun(tx, { crashed })
  })
  if (wasStopped) rmSync(mark, { force: true })
  // A server that opens the database by another name must still find it in use.
  await storage.settle()
  return settled ?? 0
}

/** Records that the server was stopped, in the database or beside it. Never rejects. */
export async function noteStop(store: Store, storage: Storage, logger: Logger): Promise<void> {
  try {
    await withPatience(() =>
      store.tryAnyway(async (tx) => {
        await disconnectAll(tx)
        await writeMeta(tx.sql, 'in_use', '0')
      }),
    )
  } catch (cause) {
    try {
      const mark = storage.stopMark(store.cursor)
      if (mark === null) throw cause
      writeFileSync(mark, '')
      logger.warn({ err: cause }, 'the stop could not be written into the database; a file beside it records it')
    } catch (error) {
      logger.error({ err: error }, 'the stop could not be noted: the next start will settle attempts as interrupted')
    }
  }
}
