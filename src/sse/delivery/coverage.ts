/** Whether the log still holds everything that a selection would have seen: a matter of its channels and types alone. */
import { EVERYONE } from '../../../shared/src/protocol.ts'
import type { EventLog } from '../../db/log.ts'
import type { Selection } from './selection.ts'
import { EVERY_TYPE } from './type-filter.ts'

/** The first position from which nothing is missing of what the selection sees. To be asked within `Store.read`. */
export function oldestOf(log: EventLog, { channels, types }: Selection): Promise<number> {
  const names = [...channels.map(({ name }) => name), EVERYONE]
  return log.oldestOf(names, types === EVERY_TYPE ? null : types.passes)
}
