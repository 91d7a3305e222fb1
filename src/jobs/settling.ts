/**
 * Settles what the last server left behind. Its sockets are closed, whatever the rows say, so agents are disconnected.
 * After a crash nobody reports on the attempts that were running: they end as failed. After a clean stop they go on.
 */
import type { Tx } from '../db/store.ts'
import { settleInterrupted } from '../domain/attempts.ts'
import { disconnectAll } from '../domain/presence.ts'

/** Resolves to how many attempts ended. */
export async function settleLastRun(tx: Tx, { crashed }: { crashed: boolean }): Promise<number> {
  await disconnectAll(tx)
  return crashed ? settleInterrupted(tx) : 0
}
