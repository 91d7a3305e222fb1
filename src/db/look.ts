/**
 * What a node looks at in its database once a second: the head of the log, with its epoch, and the ephemeral events of
 * other nodes. All of it is read in one transaction.
 */
import type { PassedEvents } from './passed-events.ts'
import type { Store } from './store.ts'

/** Resolves to the head, when everything up to there and then the ephemeral events have been published. */
export async function look(store: Store, passed: PassedEvents): Promise<number> {
  const { head, deliver } = await store.read(async ({ sql, head }) => ({ head, deliver: await passed.read(sql) }))
  deliver()
  return head
}
