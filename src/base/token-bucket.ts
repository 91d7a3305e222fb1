/**
 * Token buckets: `rate` tokens a second flow in, up to `burst`, and everything that a client does takes one.
 *
 * rate-limiter-flexible counts in windows, also in its in-memory store, so a client could spend two windows at once; and it
 * has a timer for each client. Here a bucket is one number, the time at which it will be full again.
 */

export interface BucketSize {
  /** Tokens per second. */
  readonly rate: number
  readonly burst: number
}

/** One bucket. Times are in milliseconds, from a monotonic clock. */
export class TokenBucket {
  readonly #tokenMs: number
  readonly #burstMs: number
  #fullAt = -Infinity

  constructor({ rate, burst }: BucketSize) {
    this.#tokenMs = 1_000 / rate
    this.#burstMs = burst * this.#tokenMs
  }

  /** Takes a token: 0. If there is none, takes nothing, and returns the milliseconds until there will be one. */
  take(now: number): number {
    const fullAt = Math.max(now, this.#fullAt) + this.#tokenMs
    const missingMs = fullAt - now - this.#burstMs
    // Rounding must not refuse the last token.
    if (missingMs > this.#tokenMs / 1_000) return missingMs
    this.#fullAt = fullAt
    return 0
  }

  /** Takes a token that may come later, but within `maxMs`. Returns the milliseconds until it does, at most `maxMs`. */
  reserve(now: number, maxMs: number): number {
    const fullAt = Math.max(now, this.#fullAt) + this.#tokenMs
    const waitMs = Math.max(0, fullAt - now - this.#burstMs)
    if (waitMs > maxMs) return maxMs
    this.#fullAt = fullAt
    return waitMs
  }

  isFull(now: number): boolean {
    return this.#fullAt <= now
  }
}

/** A bucket for each key. Full ones are forgotten, because a new one is full; so are the least recently used ones of too many. */
export class TokenBuckets {
  readonly #size: BucketSize
  readonly #max: number
  /** The least recently used first. */
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(size: BucketSize, max: number) {
    this.#size = size
    this.#max = max
  }

  /** The number of buckets that are remembered. */
  get count(): number {
    return this.#buckets.size
  }

  /** As TokenBucket.take. */
  take(key: string, now: number): number {
    return this.#bucketOf(key, now).take(now)
  }

  /** As TokenBucket.reserve. */
  reserve(key: string, now: number, maxMs: number): number {
    return this.#bucketOf(key, now).reserve(now, maxMs)
  }

  #bucketOf(key: string, now: number): TokenBucket {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#size)
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    this.#forget(now)
    return bucket
  }

  /** Two at a time at most, so that it costs the same for every call and yet keeps up. */
  #forget(now: number): void {
    let looked = 0
    for (const [key, bucket] of this.#buckets) {
      looked += 1
      if (looked > 2 || (!bucket.isFull(now) && this.#buckets.size <= this.#max)) return
      // The last one is the caller's.
      if (this.#buckets.size > 1) this.#buckets.delete(key)
    }
  }
}
