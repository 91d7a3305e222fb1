/**
 * How often frames are handed out when there is much to do. A hand-out that took a while is followed by a pause of the
 * same length, in which frames gather: with a thousand listeners each more event in a write costs a hundredth of a write
 * of its own. A lone event waits for nothing, and no event waits for long (docs/performance.md, "Pacing").
 */

/** Shorter than this it is not worth a timer. */
const SHORT_MS = 1
/** The longest pause. */
const MAX_PAUSE_MS = 10

export class Pace {
  readonly #handOut: () => void
  #pausedUntil = 0
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
    this.#handOut()
    const ended = performance.now()
    const tookMs = ended - begun
    this.#pausedUntil = tookMs < SHORT_MS ? 0 : ended + Math.min(tookMs, MAX_PAUSE_MS)
  }
}
