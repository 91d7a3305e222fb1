/** When a channel socket connects again. */
import { DEFAULT_BACKOFF, delayMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'

/** An open socket resets the failures only after this long, or a server that accepts and drops would be flooded. */
const HEALTHY_MS = 60_000

export class SocketRetry {
  /** The delay that the server asked for; 0: none. */
  serverDelayMs = 0
  readonly #clock: Clock
  #failures = 0
  #openedAt = 0
  #timer: unknown

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isWaiting(): boolean {
    return this.#timer !== undefined
  }

  opened(): void {
    this.#openedAt = this.#clock.now()
  }

  /** The socket is open. */
  checkHealth(): void {
    if (this.#clock.now() - this.#openedAt >= HEALTHY_MS) this.#failures = 0
  }

  schedule(connect: () => void): void {
    this.#failures += 1
    const waitMs = this.serverDelayMs || delayMs(DEFAULT_BACKOFF, this.#failures)
    this.#timer = this.#clock.setTimeout(connect, waitMs)
    this.serverDelayMs = 0
  }

  cancel(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
