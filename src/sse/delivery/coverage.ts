/** How far back the log is complete for a selection: it depends on its channels and types only. */
import { EVERYONE } from '../../../shared/src/protocol.ts'
import { EVERY_TYPE } from '../../../shared/src/type-filter.ts'
import type { Snapshot } from '../../db/snapshot.ts'
import type { Selection } from './selection.ts'

/** The sequence number after which nothing is missing of what the selection sees. */
export function oldestOf(snapshot: Snapshot, { channels, types }: Selection): Promise<number> {
  const names = [...channels.map(({ name }) => name), EVERYONE]
  return snapshot.oldestOf(names, types.key === EVERY_TYPE.key ? null : types.passes)
}
