/** How long to wait before the next attempt. */
import { RETRY_MS } from '../../../shared/src/protocol.ts'
import type { Backoff } from './options.ts'

export const DEFAULT_BACKOFF = { firstMs: 1_500, maxMs: 12_000, failures: 8, restMs: 60_000 } as const

export type FullBackoff = { readonly [Field in keyof typeof DEFAULT_BACKOFF]: number }

export function fullBackoff(backoff: Backoff = {}): FullBackoff {
  return { ...DEFAULT_BACKOFF, ...withoutUndefined(backoff) }
}

export function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Full jitter under a bound that doubles, so that the clients of a restarted server do not all come back at once. */
export function delayMs({ firstMs, maxMs }: Pick<FullBackoff, 'firstMs' | 'maxMs'>, failures: number): number {
  return Math.random() * Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1))
}

export interface AttemptResult {
  /** The stream opened: the server sent `hello`. */
  readonly hasOpened: boolean
  /** The stream ended instead of breaking off. */
  readonly isCleanEnd: boolean
  /** The delay that the server asked for in `draining` or `overloaded`. */
  readonly serverDelayMs: number | undefined
  /** The server's `retry:`; 0 if it sent none. */
  readonly retryMs: number
  /** The server's `Retry-After`. */
  readonly minimumMs: number
}

export interface NextAttempt {
  readonly inMs: number
  /** After `failures` failed attempts in a row, the next ones come only every `restMs`. */
  readonly isResting: boolean
}

/**
 * Counts failures in a row, and gives the delay before the next attempt.
 *
 * A stream that sent `hello` was a success, however short: it never leads to `unreachable`. After a clean end the delay is
 * the server's `retry` with jitter, as in a browser. After a break the delay grows, so that a server that accepts and drops
 * connections is not flooded.
 */
export class RetrySchedule {
  /** In a row. */
  failures = 0
  readonly #backoff: FullBackoff
  #lastImmediateAt = -Infinity

  constructor(backoff: FullBackoff) {
    this.#backoff = backoff
  }

  ended({ hasOpened, isCleanEnd, serverDelayMs, retryMs, minimumMs }: AttemptResult, now: number): NextAttempt {
    const backoff = this.#backoff
    const isSuccess = hasOpened && isCleanEnd
    if (serverDelayMs === undefined && !isSuccess) this.failures += 1
    if (hasOpened) this.failures = Math.min(this.failures, Math.max(0, backoff.failures - 1))
    const isResting = this.failures >= backoff.failures
    if (serverDelayMs !== undefined && this.#isAllowed(serverDelayMs, now)) {
      return { inMs: Math.max(serverDelayMs, minimumMs), isResting }
    }
    const pauseMs = retryMs || (isSuccess ? RETRY_MS * (0.8 + 0.4 * Math.random()) : 0)
    const ownMs = isResting ? backoff.restMs : pauseMs + delayMs(backoff, this.failures)
    return { inMs: Math.max(serverDelayMs ?? 0, ownMs, minimumMs), isResting }
  }

  /** Two immediate attempts in a row would be a loop without a pause. */
  #isAllowed(ms: number, now: number): boolean {
    if (ms >= RETRY_MS / 2) return true
    const last = this.#lastImmediateAt
    this.#lastImmediateAt = now
    return now - last >= RETRY_MS
  }
}
