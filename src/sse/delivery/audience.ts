/**
 * Connections with the same channels, filters and framing. Events are encoded once for all of them. Once per turn of the
 * event loop, the frames made in it are joined into one buffer, which every connection gets in one write.
 *
 *   publish   event -> frame   event -> frame   event -> frame
 *   flush     one segment of bytes  ->  connection, connection, connection, ...
 */
import { JOIN_MS } from '../../../shared/src/protocol.ts'
import type { LogEvent } from '../../db/log-event.ts'
import type { Page } from '../../db/snapshot.ts'
import { type Frame, FrameList } from './frame-list.ts'
import type { Framing, Packet } from './framing.ts'
import type { Selection, VisibleEvent } from './selection.ts'

/** Frames that are sent in one write. A connection takes a segment whole, or falls behind before it. */
export interface Segment {
  readonly packet: Packet
  /** Sequence numbers of its first and its last event. */
  readonly first: number
  readonly last: number
  readonly frames: readonly Frame[]
  /** Channels that end with it. */
  readonly ends: readonly string[]
}

/** A listener that has caught up, as its audience sees it. */
export interface Member {
  offer(segment: Segment): void
}

/**
 * A segment is cut here, in characters: at most three bytes each, so that several fit into what may wait for one
 * connection (MAX_PENDING_BYTES). A single frame may exceed it.
 */
const SEGMENT_LENGTH = 48 * 1024

export class Audience {
  readonly selection: Selection
  readonly framing: Framing
  readonly #cursor: (seq: number) => string
  readonly #frames: FrameList
  readonly #members = new Set<Member>()
  #timer: NodeJS.Timeout | null = null

  constructor(selection: Selection, framing: Framing, cursor: (seq: number) => string) {
    this.selection = selection
    this.framing = framing
    this.#cursor = cursor
    this.#frames = new FrameList(selection, framing, cursor)
  }

  get memberCount(): number {
    return this.#members.size
  }

  /** From now on the member is offered every segment. Everything published before must reach it in another way. */
  join(member: Member): void {
    // Lines held back now are not new to the member. They must be flushed before it is here.
    this.release()
    this.#members.add(member)
  }

  /** False: it was not a member. */
  leave(member: Member): boolean {
    return this.#members.delete(member)
  }

  /** Encodes an event for the members. Costs nothing without any: listeners that are behind read it from the log. */
  publish(event: LogEvent): void {
    if (this.#members.size > 0) this.#frames.add(event)
  }

  /** Encodes something that is not in the log, as of sequence number `reached`. `marked`: a client may resume from it. */
  publishUnstored(visible: VisibleEvent, reached: number, marked: boolean): void {
    if (this.#members.size > 0) this.#frames.addUnstored(visible, reached, marked)
  }

  /** Offers the frames of this turn to the members. Lines that are held back to be joined stay until their time. */
  flush(): void {
    if (!this.#frames.isEmpty) {
      for (const segment of segments(this.#frames.take(), this.framing)) {
        for (const member of this.#members) member.offer(segment)
      }
    }
    if (this.#frames.isHolding && !this.#timer) this.#timer = setTimeout(() => this.release(), JOIN_MS)
  }

  /** Flushes the lines that are held back, too. */
  release(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#frames.release()
    this.flush()
  }

  /** A page of the log as the members of this audience see it. */
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
