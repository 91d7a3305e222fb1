/** Remembers verified tokens, so that a request with one that was seen before costs a look-up. */
import { now } from '../base/clock.ts'
import type { Subject } from './subject.ts'
import type { VerifyToken } from './token-verifier.ts'

/** With the longest tokens these take 8 MB. */
const MAX_TOKENS = 1_000

export interface TokenCache {
  readonly verify: VerifyToken
  /** Tokens are verified anew: a key that signed some of them may be valid no longer. */
  clear(): void
}

export function createTokenCache(verify: VerifyToken): TokenCache {
  /** The least recently verified first. */
  const subjects = new Map<string, Subject>()
  /** Grows with every `clear`, so that what was being verified meanwhile is not remembered. */
  let generation = 0

  return {
    async verify(token) {
      const known = subjects.get(token)
      if (known && known.expiresAt > now()) return known
      subjects.delete(token)
      const begun = generation
      const subject = await verify(token)
      if (begun === generation) {
        subjects.set(token, subject)
        for (const oldest of subjects.keys()) {
          if (subjects.size <= MAX_TOKENS) break
          subjects.delete(oldest)
        }
      }
      return subject
    },
    clear() {
      generation += 1
      subjects.clear()
    },
  }
}
