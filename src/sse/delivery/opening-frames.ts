/** The frames that a stream begins with, or begins anew with, in their order and with their ids. */

import { CONTROL, type GapReason } from '../../../shared/src/protocol.ts'
import { now, nowIso } from '../../base/clock.ts'
import { jsonLine } from '../../base/json.ts'
import type { Framing } from './framing.ts'
import type { Shown } from './selection.ts'
import type { Opening } from './snapshots.ts'

/** What a stream says of itself when it opens. */
export interface Greeting {
  readonly connectionId: string
  readonly heartbeatMs: number
  readonly retryMs: number
}

export interface Gap {
  readonly requested: string
  /** The first id from which nothing is missing. */
  readonly oldest: string
  readonly reason: GapReason
}

/** `marked`: a client that is cut after it may come back with its id. */
export function helloFrame(
  framing: Framing,
  greeting: Greeting,
  more: { id: string; resumed: boolean; marked: boolean },
): string {
  const data = {
    serverTime: nowIso(),
    connectionId: greeting.connectionId,
    resumed: more.resumed,
    heartbeatMs: greeting.heartbeatMs,
  }
  return framing.control(CONTROL.hello, jsonLine(data), more.id, more.marked, greeting.retryMs)
}

export function gapFrame(framing: Framing, { requested, oldest, reason }: Gap, id: string): string {
  return framing.control(CONTROL.gap, jsonLine({ requested, oldest, reason }), id, false)
}

/** Snapshots of one instant; the last of them carries its id. */
export function snapshotFrames(framing: Framing, snapshots: readonly Shown[], id: string): string[] {
  const last = snapshots.length - 1
  return snapshots.map((shown, index) => framing.frame(shown, now(), id, index === last))
}

/** Snapshots, and what follows them on a stream of its own, which carries no id. */
export function openingFrames(framing: Framing, { snapshots, frames }: Opening, id: string): string[] {
  return [...snapshotFrames(framing, snapshots, id), ...frames.map((shown) => framing.frame(shown, now(), id, false))]
}
