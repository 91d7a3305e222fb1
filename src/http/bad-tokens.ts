/**
 * Bad credentials are counted for each address. Every one is still verified, so a good one is accepted whatever others
 * behind the same proxy send. Rule HA16 of docs/security.md.
 */
import type { IncomingMessage } from 'node:http'
import { Problem } from '../base/errors.ts'
import { TokenBuckets } from '../base/token-bucket.ts'
import type { TrustedProxies } from './client-address.ts'
import { HeldRefusals } from './held-refusals.ts'

export interface BadTokens {
  /** What the client is answered: `problem`, or `rate_limited` if that refuses one bad credential too many. */
  refusalOf(problem: Problem, incoming: IncomingMessage): Problem
  /** As `refusalOf`, for a request. Resolves when it may be answered: a flood is held back (HA15). */
  heldRefusalOf(problem: Problem, incoming: IncomingMessage): Promise<Problem>
}

/** A restart of many clients with an old token is no attack. */
const BURST_S = 10
const MAX_ADDRESSES = 20_000

/** `rate`: a second; Infinity: no limit. */
export function createBadTokens(rate: number, proxies: TrustedProxies): BadTokens {
  if (rate === Infinity) return { refusalOf: (problem) => problem, heldRefusalOf: async (problem) => problem }
  const burst = Math.max(1, Math.floor(rate * BURST_S))
  const buckets = new TokenBuckets({ rate, burst }, MAX_ADDRESSES)
  const held = new HeldRefusals()

  function refusalOf(problem: Problem, incoming: IncomingMessage): Problem {
    // One that has expired was good, and a request without any is no guess.
    if (problem.code !== 'unauthenticated' || problem.tokenError === undefined) return problem
    const waitMs = buckets.take(proxies.clientOf(incoming), performance.now())
    if (waitMs === 0) return problem
    return new Problem(
      'rate_limited',
      `Too many bad tokens came from this address: at most ${rate} a second, with bursts of ${burst}. Check yours; a good one is accepted at any time.`,
      { retryAfterS: Math.ceil(waitMs / 1_000) },
    )
  }

  return {
    refusalOf,
    async heldRefusalOf(problem, incoming) {
      const refusal = refusalOf(problem, incoming)
      if (refusal === problem) return problem
      return held.hold(proxies.clientOf(incoming), incoming, refusal).catch(() => refusal)
    },
  }
}
