/**
 * How often frames are handed out when there is much to do. A hand-out that took a while, and came right after another
 * one, is followed by a pause of the same length, in which frames gather: with a thousand listeners each more event in a
 * write costs a hundredth of a write of its own. Events that leave it time between them wait for nothing, and none waits
 * for long (docs/performance.md, "Pacing").
 */

/** Shorter than this it is not worth a timer. */
const SHORT_MS = 1
/** The longest pause. */
const MAX_PAUSE_MS = 10

export class Pace {
  readonly #handOut: () => void
  #pausedUntil = 0
  #ended = -Infinity
  #timer: NodeJS.Timeout | null = null

  /** `handOut` must not throw. */
  constructor(handOut: () => void) {
    this.#handOut = handOut
  }

  /** Hands out now, or when the pause is over. */
  request(): void {
    if (this.#timer) return
    const leftMs = this.#pausedUntil - performance.now()
    if (leftMs <= 0) this.#run()
    else {
      this.#timer = setTimeout(() => {
        this.#timer = null
        this.#run()
      }, leftMs)
    }
  }

  #run(): void {
    const begun = performance.now()
    // Nothing was there to hand out for so long.
    const idleMs = begun - Math.max(this.#ended, this.#pausedUntil)
    this.#handOut()
    const ended = performance.now()
    const tookMs = ended - begun
    this.#ended = ended
    this.#pausedUntil = tookMs < SHORT_MS || idleMs > tookMs / 2 ? 0 : ended + Math.min(tookMs, MAX_PAUSE_MS)
  }
}
