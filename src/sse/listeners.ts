/**
 * From the log to the streams: the one place that is notified of every commit, in the turn of the COMMIT. Events go to
 * the audiences of their channels. Snapshots that they make stale are rendered after the mutations of the turn, if any
 * listener follows them.
 */
import { SNAPSHOT } from '../../shared/src/protocol.ts'
import { jsonLine } from '../base/json.ts'
import type { Publish } from '../db/tail.ts'
import type { Bus } from './bus.ts'
import type { Snapshots } from './delivery/snapshots.ts'

const SNAPSHOT_EVENTS: ReadonlySet<string> = new Set(Object.values(SNAPSHOT))

export interface Listeners {
  /** Takes what one COMMIT made visible, in its order. Synchronous; does not throw. */
  advance: Publish
}

/** `onFailure` must end every stream: some may have missed what failed, and get it from the log when they resume. */
export function createListeners(bus: Bus, snapshots: Snapshots, onFailure: (error: unknown) => void): Listeners {
  return {
    advance(events, ephemeral, head) {
      try {
        bus.publish(events, head)
        for (const { event, channels, payload } of ephemeral) {
          bus.publishUnstored(event, channels, jsonLine(payload), SNAPSHOT_EVENTS.has(event))
        }
        snapshots.published(events)
      } catch (error) {
        onFailure(error)
      }
    },
  }
}
