/** The frames that a stream begins with, or begins again with after a gap: their order and their ids. */

import { CONTROL, type GapReason } from '../../../shared/src/protocol.ts'
import { now, nowIso } from '../../base/clock.ts'
import { jsonLine } from '../../base/json.ts'
import type { Framing } from './framing.ts'
import type { VisibleEvent } from './selection.ts'
import type { Opening } from './snapshots.ts'

/** What `hello` tells the client. */
export interface Greeting {
  readonly connectionId: string
  readonly heartbeatMs: number
  readonly retryMs: number
}

export interface Gap {
  readonly requested: string
  /** The id after which nothing is missing. */
  readonly oldest: string
  readonly reason: GapReason
}

/** `marked`: a client that is cut after it may resume from its id. */
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

/** Snapshots of one instant; the last of them has its id. */
export function snapshotFrames(framing: Framing, snapshots: readonly VisibleEvent[], id: string): string[] {
  const last = snapshots.length - 1
  return snapshots.map((snapshot, index) => framing.frame(snapshot, now(), id, index === last))
}

/** Snapshots, and what follows them on the stream of one board, which has no id. */
export function openingFrames(framing: Framing, { snapshots, frames }: Opening, id: string): string[] {
  return [...snapshotFrames(framing, snapshots, id), ...frames.map((frame) => framing.frame(frame, now(), id, false))]
}
