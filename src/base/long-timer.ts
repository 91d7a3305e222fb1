/**
 * A timer for any duration. `setTimeout` counts in 31 bits and fires at once for more than 24.8 days, so longer waits are
 * split into several.
 */
const MAX_MS = 2 ** 31 - 1

export class LongTimer {
  readonly #callback: () => void
  /** On the clock of `performance.now()`. */
  readonly #due: number
  #timer: NodeJS.Timeout

  /** Calls back once after `ms`, which may be Infinity. */
  constructor(callback: () => void, ms: number) {
    this.#callback = callback
    this.#due = performance.now() + ms
    this.#timer = this.#arm(ms)
  }

  /** Safe to call twice. */
  clear(): void {
    clearTimeout(this.#timer)
  }

  #arm(leftMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#fire(), Math.min(leftMs, MAX_MS))
  }

  #fire(): void {
    const leftMs = this.#due - performance.now()
    // A timer may fire a fraction of a millisecond early.
    if (leftMs < 1) this.#callback()
    else this.#timer = this.#arm(leftMs)
  }
}
