/**
 * What a node looks at in its database once a second: the head of the log, its epoch, and the ephemeral events of other
 * nodes. All of it is read in one transaction.
 */
import { readMeta } from './meta.ts'
import type { PassedEvents } from './passed-events.ts'
import type { Store } from './store.ts'

/** Resolves to the head, when everything up to there and then the ephemeral events have been published. */
export async function look(
  store: Store,
  passed: PassedEvents,
  onEpoch: (epoch: string) => void = () => {},
): Promise<number> {
  const { head, epoch, deliver } = await store.read(async ({ sql, head }) => {
    const [deliver, epoch] = await Promise.all([passed.read(sql), readMeta(sql, 'epoch')])
    return { head, epoch, deliver }
  })
  deliver()
  if (epoch !== undefined && epoch !== store.epoch) onEpoch(epoch)
  return head
}
