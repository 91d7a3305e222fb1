/** The `limit` of a stream: so many events pass, and then it is over. */
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

  /** As much of the segment as may pass, which is counted. */
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

/** For the many streams without a limit, which need none of their own. */
export const UNLIMITED = new Meter(Infinity)
