/**
 * How the tries at a stream went, and how long to wait before the next one.
 *
 * A stream that said hello was a success, however short: it never leads to `unreachable`. If it ended properly, the next
 * one is asked for after the server's `retry` and some jitter, as a browser would. If it broke off, the delay grows, so that
 * a server that accepts and drops is left in peace.
 */
import { RETRY_MS } from '../../../shared/src/protocol.ts'
import { delayMs, type FullBackoff } from './backoff.ts'

export interface EndOfTry {
  readonly saidHello: boolean
  readonly isProper: boolean
  /** When the server said to come back. */
  readonly saidMs: number | undefined
  /** The server's `retry:`; 0 where it is not known. */
  readonly retryMs: number
  /** The server's `Retry-After`. */
  readonly leastMs: number
}

export interface NextTry {
  readonly inMs: number
  /** Nothing was reached so often that it is tried seldom. */
  readonly isResting: boolean
}

export class Tries {
  /** In a row. */
  failures = 0
  readonly #backoff: FullBackoff
  #hurriedAt = -Infinity

  constructor(backoff: FullBackoff) {
    this.#backoff = backoff
  }

  ended({ saidHello, isProper, saidMs, retryMs, leastMs }: EndOfTry, now: number): NextTry {
    const backoff = this.#backoff
    if (saidMs === undefined && !(saidHello && isProper)) this.failures += 1
    if (saidHello) this.failures = Math.min(this.failures, Math.max(0, backoff.failures - 1))
    const isResting = this.failures >= backoff.failures
    if (saidMs !== undefined && this.#mayComeIn(saidMs, now)) return { inMs: Math.max(saidMs, leastMs), isResting }
    const pauseMs = retryMs || (saidHello && isProper ? RETRY_MS * (0.8 + 0.4 * Math.random()) : 0)
    const ownMs = isResting ? backoff.restMs : pauseMs + delayMs(backoff, this.failures)
    return { inMs: Math.max(saidMs ?? 0, ownMs, leastMs), isResting }
  }

  /** Twice in a row at once would be a loop without a pause. */
  #mayComeIn(ms: number, now: number): boolean {
    if (ms >= RETRY_MS / 2) return true
    const hurried = this.#hurriedAt
    this.#hurriedAt = now
    return now - hurried >= RETRY_MS
  }
}
