/**
 * "The log grew": the one place that is told of every commit, in the turn of the commit. Events go to the audiences of
 * their channels; snapshots that they make stale are rendered after the turn's mutations, if somebody wants them.
 */
import { refreshedBy } from '../../shared/src/catalogue.ts'
import { jsonLine } from '../base/json.ts'
import type { LogEvent } from '../db/log-event.ts'
import type { Publish } from '../db/tail.ts'
import type { Bus } from './bus.ts'
import type { Snapshots } from './delivery/snapshots.ts'

export interface Listeners {
  /** Takes what one COMMIT made visible, in its order. Synchronous, and does not throw. */
  advance: Publish
}

/** `onFailure` must end every stream: some may have missed what failed, and get it from the log when they come back. */
export function createListeners(bus: Bus, snapshots: Snapshots, onFailure: (error: unknown) => void): Listeners {
  return {
    advance(events, ephemeral, head) {
      try {
        bus.publish(events, head)
        for (const { event, channels, payload } of ephemeral) {
          bus.publishUnstored(event, channels, jsonLine(payload))
        }
        for (const channel of staleAfter(events)) snapshots.refresh(channel)
      } catch (error) {
        onFailure(error)
      }
    },
  }
}

function staleAfter(events: readonly LogEvent[]): ReadonlySet<string> {
  const stale = new Set<string>()
  for (const event of events) {
    if (event.entry) for (const channel of refreshedBy(event.entry, event.payload)) stale.add(channel)
  }
  return stale
}
