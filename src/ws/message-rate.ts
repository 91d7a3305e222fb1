/** How many messages a client may send: a token bucket, and a count of refusals. */
import { MAX_REFUSALS_PER_MINUTE, MESSAGE_BURST, MESSAGES_PER_SECOND } from '../../shared/src/protocol.ts'
import { TokenBucket } from '../base/token-bucket.ts'

const MINUTE_MS = 60_000

export type Verdict = 'carry out' | 'refuse' | 'close'

export class MessageRate {
  readonly #bucket = new TokenBucket({ rate: MESSAGES_PER_SECOND, burst: MESSAGE_BURST })
  #refused = 0
  #refusedSince: number

  /** `now` in milliseconds, from a monotonic clock. */
  constructor(now: number) {
    this.#refusedSince = now
  }

  /** Counts a message and decides what happens to it. */
  take(now: number): Verdict {
    if (this.#bucket.take(now) === 0) return 'carry out'
    if (now - this.#refusedSince >= MINUTE_MS) {
      this.#refused = 0
      this.#refusedSince = now
    }
    this.#refused += 1
    return this.#refused > MAX_REFUSALS_PER_MINUTE ? 'close' : 'refuse'
  }
}
