/** What an audience flushed while one of its listeners read the last pages of the log. */
import { type Segment, segment } from './audience.ts'
import type { Framing } from './framing.ts'
import type { Backlog } from './listener-state.ts'

/** The segment holds something that is not in the log, such as a snapshot. */
export function hasSnapshots({ frames }: Segment): boolean {
  return frames.some(({ first, last }) => last < first)
}

/**
 * The sequence number up to which the log must be read, by a listener that has reached `seq`, before the backlog
 * continues it. Lines that were joined into one frame cannot be cut: if the listener has some of them, the others are
 * read from the log.
 */
export function boundaryOf({ from, segments }: Backlog, seq: number): number {
  if (seq <= from) return from
  for (const { frames } of segments) {
    for (const { first, last } of frames) if (first <= seq && seq < last) return last
  }
  return seq
}

/** The part of the backlog that comes after a boundary. */
export function segmentsAfter({ from, segments }: Backlog, boundary: number, framing: Framing): Segment[] {
  if (boundary <= from) return segments
  return segments.flatMap((made) => {
    if (made.first > boundary) return [made]
    const frames = made.frames.filter(({ first }) => first > boundary)
    return frames.length > 0 ? [segment(frames, framing)] : []
  })
}
