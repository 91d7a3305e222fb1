/** What keeps the file bounded: old chatter is trimmed, old idempotency keys are forgotten. */

import type { RetentionPolicy } from '../base/config.ts'
import type { Store } from '../db/store.ts'
import { forgetOldAnswers } from '../domain/idempotency.ts'

export interface Housekeeping {
  /** Trims when there is more than the policy allows. Costs two comparisons when there is not. */
  check(): void
  stop(): void
}

const INTERVAL_MS = 60_000
/** Deleted in one transaction: a few milliseconds of work, so that mutations and streams in between hardly wait. */
const STEP_EVENTS = 2_000

export function createHousekeeping(
  store: Store,
  policy: RetentionPolicy,
  onError: (error: unknown) => void,
): Housekeeping {
  let pruning = false
  /** Asked for while it was under way: what came in the same COMMIT it has not seen. */
  let isWanted = false

  async function prune(): Promise<void> {
    isWanted = true
    if (pruning) return
    pruning = true
    try {
      while (isWanted) {
        isWanted = false
        while (await store.prune(policy, STEP_EVENTS));
      }
    } catch (error) {
      onError(error)
    } finally {
      pruning = false
    }
  }

  function tick(): void {
    void prune()
    store.transact((tx) => forgetOldAnswers(tx.sql, Date.parse(tx.now))).catch(onError)
  }

  function check(): void {
    const { events, bytes } = store.log.chatter
    if (events > policy.maxEvents || bytes > policy.maxBytes) void prune()
  }

  const timer = setInterval(tick, INTERVAL_MS)
  timer.unref()
  // The policy may have become tighter since the file was last used.
  check()
  return {
    check,
    stop: () => clearInterval(timer),
  }
}
