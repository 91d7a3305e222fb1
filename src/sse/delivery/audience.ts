/**
 * The connections that listen to the same thing in the same way. Events are encoded once for all of them, and once per
 * turn of the event loop the frames made in it are joined into one buffer that every connection gets in one write.
 *
 *   publish   event -> frame   event -> frame   event -> frame
 *   flush     one segment of bytes  ->  connection, connection, connection, ...
 */
import { JOIN_MS } from '../../../shared/src/protocol.ts'
import type { LogEvent } from '../../db/log-event.ts'
import type { Page } from '../../db/snapshot.ts'
import { type Frame, FrameList } from './frame-list.ts'
import type { Framing, Packet } from './framing.ts'
import type { Selection, Shown } from './selection.ts'

/** Frames that leave in one write. A connection takes a segment whole, or falls behind before it. */
export interface Segment {
  readonly packet: Packet
  readonly first: number
  readonly last: number
  readonly frames: readonly Frame[]
  readonly ends: readonly string[]
}

/** A live connection, as its audience sees it. */
export interface Member {
  offer(segment: Segment): void
}

/**
 * Cut of a segment, in characters: at most three bytes each, so that several fit into the room that a connection has
 * (MAX_PENDING_BYTES). A single frame may exceed it.
 */
const SEGMENT_LENGTH = 48 * 1024

export class Audience {
  readonly selection: Selection
  readonly framing: Framing
  readonly #cursor: (seq: number) => string
  readonly #frames: FrameList
  readonly #live = new Set<Member>()
  #timer: NodeJS.Timeout | null = null

  constructor(selection: Selection, framing: Framing, cursor: (seq: number) => string) {
    this.selection = selection
    this.framing = framing
    this.#cursor = cursor
    this.#frames = new FrameList(selection, framing, cursor)
  }

  get liveCount(): number {
    return this.#live.size
  }

  /** From now on the member is offered what is made. It must have had everything that was published before. */
  join(member: Member): void {
    // The newcomer has read the held lines from the log; they must be gone before it is here.
    this.release()
    this.#live.add(member)
  }

  leave(member: Member): void {
    this.#live.delete(member)
  }

  /** Encodes an event for the members. Costs nothing while all are behind: they will read it from the log. */
  publish(event: LogEvent): void {
    if (this.#live.size > 0) this.#frames.add(event)
  }

  publishUnstored(shown: Shown, reached: number, marked: boolean): void {
    if (this.#live.size > 0) this.#frames.addUnstored(shown, reached, marked)
  }

  /** Hands the frames of this turn to the members; lines that are held wait for their time. */
  flush(): void {
    if (!this.#frames.isEmpty) {
      for (const segment of segments(this.#frames.take(), this.framing)) {
        for (const member of this.#live) member.offer(segment)
      }
    }
    if (this.#frames.isHolding && !this.#timer) this.#timer = setTimeout(() => this.release(), JOIN_MS)
  }

  /** Sends the lines that are held, now. */
  release(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#frames.release()
    this.flush()
  }

  /** A page of the log as this audience's members see it. */
  encode(page: Page): readonly Segment[] {
    const list = new FrameList(this.selection, this.framing, this.#cursor)
    for (const event of page.events) list.add(event)
    list.release()
    return segments(list.take(), this.framing)
  }
}

function segments(frames: readonly Frame[], framing: Framing): Segment[] {
  const made: Segment[] = []
  let from = 0
  let length = 0
  for (const [index, frame] of frames.entries()) {
    length += frame.text.length
    const next = frames[index + 1]
    if (next && (frame.isPartial || (length + next.text.length <= SEGMENT_LENGTH && frame.ends.length === 0))) continue
    made.push(segment(frames.slice(from, index + 1), framing))
    from = index + 1
    length = 0
  }
  return made
}

/** The segment of some frames; a subset of a segment's frames makes a smaller one. */
export function segment(frames: readonly Frame[], framing: Framing): Segment {
  return {
    packet: framing.pack(frames.map(({ text }) => text)),
    first: frames[0]?.first ?? 0,
    last: frames.at(-1)?.last ?? 0,
    frames,
    ends: frames.at(-1)?.ends ?? [],
  }
}
