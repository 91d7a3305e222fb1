/**
 * The end of a credential that opened a connection: its client is warned in time, and the connection ends with the
 * credential. Ten thousand may be waiting, so it has no closures.
 */
import { AUTH_WARNING_MS, CONTROL } from '../../shared/src/protocol.ts'
import { now } from '../base/clock.ts'
import type { Subscription } from '../sse/delivery/subscription.ts'

/** Waits are cut into parts of this length: the clock may be set, or the machine be asleep, and no timer counts that. */
const CHECK_MS = 60_000

export class Lapse {
  readonly #subscription: Pick<Subscription, 'sendControl' | 'finish'>
  /** Milliseconds since 1970. */
  readonly #expiresAt: number
  #hasWarned = false
  #timer: NodeJS.Timeout

  /** Begins to wait. `clear` must be called when the connection has ended. */
  constructor(subscription: Pick<Subscription, 'sendControl' | 'finish'>, expiresAt: number) {
    this.#subscription = subscription
    this.#expiresAt = expiresAt
    this.#timer = this.#wait()
  }

  /** Safe to call twice. */
  clear(): void {
    clearTimeout(this.#timer)
  }

  /** For the timer. */
  check(): void {
    const leftMs = this.#expiresAt - now()
    if (leftMs <= 0) {
      expire(this.#subscription)
      return
    }
    if (leftMs <= AUTH_WARNING_MS && !this.#hasWarned) {
      this.#hasWarned = true
      const expiresAt = new Date(this.#expiresAt).toISOString()
      this.#subscription.sendControl(CONTROL.authExpiring, JSON.stringify({ expiresAt }))
    }
    this.#timer = this.#wait()
  }

  #wait(): NodeJS.Timeout {
    const leftMs = this.#expiresAt - now() - (this.#hasWarned ? 0 : AUTH_WARNING_MS)
    return setTimeout(check, Math.min(Math.max(leftMs, 0), CHECK_MS), this)
  }
}

/** Ends a connection whose credential is not valid any more. */
export function expire(subscription: Pick<Subscription, 'sendControl' | 'finish'>): void {
  subscription.sendControl(CONTROL.authExpired, '{}')
  subscription.finish('expired')
}

function check(lapse: Lapse): void {
  lapse.check()
}
