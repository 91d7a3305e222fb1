/** Asks for new credentials when those of an open connection are about to expire. */
import type { Clock } from '../base/clock.ts'
import { fieldOf } from '../base/frames.ts'
import type { Auth, Credentials } from '../base/options.ts'
import { isHidden } from '../base/page-lifecycle.ts'
import type { Frame } from '../base/types.ts'
import { areSame, askAgain } from './credentials.ts'

/** The server reports it this long ahead (docs/protocol.md). */
const AHEAD_MS = 30_000
/** Tokens that live for seconds are renewed at half their life, not at once. */
const RECENTLY_MS = 10_000
/** There is no point in asking later than this before the end: the connection is opened again after it. */
const TOO_LATE_MS = 1_000

export interface RenewalOptions {
  readonly auth: Auth | undefined
  readonly clock: Clock
  /** There are new credentials. */
  renew(credentials: Credentials): void
}

export class Renewal {
  readonly #options: RenewalOptions
  #timer: unknown
  #expiresAt = 0
  #renewedAt = -Infinity
  #current: Credentials
  /** Grows when what was asked for is no longer needed. */
  #generation = 0

  constructor(options: RenewalOptions) {
    this.#options = options
  }

  /** `frame` is `auth_expiring` on a connection that was opened with these credentials. */
  expiring({ data, timestamp }: Frame, current: Credentials): void {
    const { auth, clock } = this.#options
    this.cancel()
    if (!auth) return
    // By the server's clock alone: this machine's may be wrong.
    const leftMs = Date.parse(String(fieldOf(data, 'expiresAt'))) - timestamp
    const remainingMs = leftMs >= 0 ? Math.min(leftMs, AHEAD_MS) : AHEAD_MS
    this.#current = current
    this.#expiresAt = clock.now() + remainingMs
    if (clock.now() - this.#renewedAt < RECENTLY_MS) this.again()
    // Where timers may fire too late.
    else if (isHidden()) void this.#ask()
    // Not all at the same moment: thousands of clients may have tokens of one age.
    else this.#askIn((Math.random() * remainingMs) / 3)
  }

  /** There were no new credentials yet, or they could not be used: asks again after half of the time that is left. */
  again(): void {
    const inMs = (this.#expiresAt - this.#options.clock.now()) / 2
    if (inMs >= TOO_LATE_MS / 2) this.#askIn(inMs)
  }

  cancel(): void {
    this.#generation += 1
    this.#options.clock.clearTimeout(this.#timer)
  }

  #askIn(ms: number): void {
    const { clock } = this.#options
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => void this.#ask(), ms)
  }

  async #ask(): Promise<void> {
    const { auth, clock, renew } = this.#options
    const generation = this.#generation
    const credentials = await askAgain(auth, this.#current, clock)
    if (generation !== this.#generation) return
    if (areSame(credentials, this.#current)) {
      this.again()
      return
    }
    this.#renewedAt = clock.now()
    renew(credentials)
  }
}
