/**
 * Paces the flushes under load. A flush that took a while, and came right after another one, is followed by a pause of the
 * same length, in which events gather: with a thousand listeners, one more event in a write costs a hundredth of a write
 * of its own. Events with time between them never wait, and none waits for long (docs/performance.md, "Pacing").
 */

/** A shorter pause is not worth a timer. */
const SHORT_MS = 1
/** The longest pause. */
const MAX_PAUSE_MS = 10

export class Pace {
  readonly #flush: () => void
  #pausedUntil = 0
  #ended = -Infinity
  #timer: NodeJS.Timeout | null = null

  /** `flush` must not throw. */
  constructor(flush: () => void) {
    this.#flush = flush
  }

  /** Flushes now, or at the end of the pause. */
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
    // How long there was nothing to flush.
    const idleMs = begun - Math.max(this.#ended, this.#pausedUntil)
    this.#flush()
    const ended = performance.now()
    const tookMs = ended - begun
    this.#ended = ended
    this.#pausedUntil = tookMs < SHORT_MS || idleMs > tookMs / 2 ? 0 : ended + Math.min(tookMs, MAX_PAUSE_MS)
  }
}
