/** What keeps the file bounded: old chatter is trimmed, old idempotency keys are forgotten. */

import type { RetentionPolicy } from '../config.ts'
import { forgetOldAnswers } from './idempotency.ts'
import type { Store } from './store.ts'

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

  async function prune(): Promise<void> {
    if (pruning) return
    pruning = true
    try {
      while (await store.prune(policy, STEP_EVENTS));
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

  const timer = setInterval(tick, INTERVAL_MS)
  timer.unref()
  return {
    check() {
      const { events, bytes } = store.log.chatter
      if (events > policy.maxEvents || bytes > policy.maxBytes) void prune()
    },
    stop: () => clearInterval(timer),
  }
}
