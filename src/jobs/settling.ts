/**
 * Settles what the last server left behind. Its sockets are closed, so its agents are disconnected. After a crash the
 * attempts that were running end as failed; after a clean stop they continue.
 */
import type { Tx } from '../db/store.ts'
import { settleInterrupted } from '../domain/attempts.ts'
import { disconnectAll } from '../domain/presence.ts'

/** Resolves to the number of attempts that were ended. */
export async function settleLastRun(tx: Tx, { crashed }: { crashed: boolean }): Promise<number> {
  await disconnectAll(tx)
  return crashed ? settleInterrupted(tx) : 0
}
