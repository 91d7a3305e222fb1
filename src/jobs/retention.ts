/** Keeps the log bounded: trims the oldest transient events while there are more than the retention policy allows. */

import type { RetentionPolicy } from '../base/config.ts'
import type { Leader } from '../db/lease.ts'
import type { Store } from '../db/store.ts'

export interface Retention {
  /** To be called once this node knows whether it leads: the policy may have become tighter since the log was last used. */
  start(): void
  /** Trims when there is more than the policy allows. Costs three comparisons when there is not. */
  check(): void
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

const INTERVAL_MS = 60_000
/** Deleted in one transaction: a few milliseconds of work, so that mutations and streams in between hardly wait. */
const STEP_EVENTS = 2_000
/** At most this many events of other nodes stay uncounted. */
const UNCOUNTED_EVENTS = 2_000

export function createRetention(
  store: Store,
  leader: Leader,
  policy: RetentionPolicy,
  onError: (error: unknown) => void,
): Retention {
  let trimming: Promise<void> | null = null
  let isStopped = false
  /** Requested during a run, which may have missed the newest events. */
  let isWanted = false

  function trim(): void {
    isWanted = true
    trimming ??= trimAll()
  }

  async function trimAll(): Promise<void> {
    try {
      while (isWanted && !isStopped) {
        isWanted = false
        while ((await leader.transact((tx) => tx.trimLog(policy, STEP_EVENTS))) && !isStopped);
      }
    } catch (error) {
      onError(error)
    } finally {
      trimming = null
    }
  }

  function check(): void {
    const { events, bytes, newest } = store.transient
    const isTooMuch = events > policy.maxEvents || bytes > policy.maxBytes
    // Trimming counts them first.
    if (isTooMuch || store.head - newest > UNCOUNTED_EVENTS) trim()
  }

  let timer: NodeJS.Timeout | undefined
  return {
    start() {
      timer = setInterval(trim, INTERVAL_MS)
      timer.unref()
      // What nodes wrote that were killed is not counted yet. Trimming counts it first.
      if (store.head > store.transient.newest) trim()
      else check()
    },
    check,
    async stop() {
      isStopped = true
      clearInterval(timer)
      await trimming
    },
  }
}
