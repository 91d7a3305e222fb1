/** Whether the log still holds everything that a selection would have seen: a matter of its channels and types alone. */
import { EVERYONE } from '../../../shared/src/protocol.ts'
import type { Snapshot } from '../../db/snapshot.ts'
import type { Selection } from './selection.ts'
import { EVERY_TYPE } from './type-filter.ts'

/** The first position from which nothing is missing of what the selection sees. */
export function oldestOf(snapshot: Snapshot, { channels, types }: Selection): Promise<number> {
  const names = [...channels.map(({ name }) => name), EVERYONE]
  return snapshot.oldestOf(names, types === EVERY_TYPE ? null : types.passes)
}
