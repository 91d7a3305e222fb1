/** The `limit` of a stream: the number of events after which it ends. */
import { type Segment, segment } from './audience.ts'
import type { Frame } from './frame-list.ts'
import type { Framing } from './framing.ts'

export class Meter {
  #left: number

  /** `limit` in events; Infinity: no end. */
  constructor(limit: number) {
    this.#left = limit
  }

  get isSpent(): boolean {
    return this.#left <= 0
  }

  /** Counts a segment; returns as much of it as the limit allows. */
  pass(made: Segment, framing: Framing): Segment {
    if (this.#left === Infinity) return made
    const frames: Frame[] = []
    for (const frame of made.frames) {
      if (frame.counts > this.#left) break
      this.#left -= frame.counts
      frames.push(frame)
      if (this.isSpent) break
    }
    return frames.length === made.frames.length ? made : segment(frames, framing)
  }
}

/** Shared by the streams without a limit. */
export const UNLIMITED = new Meter(Infinity)
