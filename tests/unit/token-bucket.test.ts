/** Token buckets against a model that counts tokens. Rules HA10 and HA14 of docs/security.md. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenBucket, TokenBuckets } from '../../src/base/token-bucket.ts'
import { chooseSeed } from '../support/random.ts'

describe('a bucket', () => {
  it('[HA10] holds as many tokens as the burst, and gets the rate', () => {
    const bucket = new TokenBucket({ rate: 100, burst: 200 })
    const taken = (now: number) => {
      let count = 0
      while (bucket.take(now) === 0) count += 1
      return count
    }
    expect(taken(0)).toBe(200)
    expect(bucket.take(0)).toBeCloseTo(10)
    expect(taken(10)).toBe(1)
    expect(taken(510)).toBe(50)
    expect(taken(1e9)).toBe(200)
  })

  it('[HA10] gives what a model that counts tokens gives', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 50 })), { maxLength: 40 }),
        (rate, burst, uses) => {
          const bucket = new TokenBucket({ rate, burst })
          let now = 0
          let tokens = burst
          for (const [pauseMs, count] of uses) {
            now += pauseMs
            tokens = Math.min(burst, tokens + (pauseMs * rate) / 1_000)
            for (let n = 0; n < count; n++) {
              const waitMs = bucket.take(now)
              if (waitMs === 0) tokens -= 1
              // As exact as a thousandth of a token.
              expect(waitMs === 0 ? tokens : 1 - tokens).toBeGreaterThan(-0.01)
              if (waitMs > 0) expect(waitMs).toBeCloseTo(((1 - tokens) * 1_000) / rate, 3)
            }
          }
        },
      ),
      { numRuns: 200, seed: chooseSeed() },
    )
  })
})

describe('the buckets of all clients', () => {
  it('[HA10] do not touch each other', () => {
    const buckets = new TokenBuckets({ rate: 1, burst: 1 }, 10)
    expect([buckets.take('a', 0), buckets.take('b', 0), buckets.take('a', 0)]).toEqual([0, 0, 1_000])
  })

  it('[HA14] are forgotten when they are full again', () => {
    const buckets = new TokenBuckets({ rate: 100, burst: 200 }, 1e6)
    for (let n = 0; n < 1_000; n++) buckets.take(`once ${n}`, n)
    for (let n = 0; n < 1_000; n++) buckets.take('always', 20_000 + n * 10)
    expect(buckets.count).toBe(1)
  })

  it('[HA14] have a limit, beyond which the least recently used are forgotten', () => {
    const buckets = new TokenBuckets({ rate: 0.01, burst: 2 }, 100)
    for (let n = 0; n < 1_000; n++) {
      buckets.take('busy', n)
      buckets.take(`once ${n}`, n)
      expect(buckets.count).toBeLessThanOrEqual(101)
    }
    expect(buckets.take('busy', 1_000)).toBeGreaterThan(0)
    expect(buckets.take('once 999', 1_000)).toBe(0)
    expect(buckets.take('once 999', 1_000)).toBeGreaterThan(0)
  })
})
