/** Expires messages. Each check reads one index entry and writes only when a message is due. */
import { elapsed, now } from '../base/clock.ts'
import type { Leader } from '../db/lease.ts'
import { nextExpiry } from '../db/rows/messages.ts'
import type { Store } from '../db/store.ts'
import { expireMessages, postponeExpiry, shortenExpiry } from '../domain/messages.ts'

export interface MessageExpiry {
  /** Expires all messages that are due. Never rejects: failures go to `onError`. */
  check(): Promise<void>
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

const EVERY_MS = 1_000
/** Expired in one transaction: a few milliseconds of work. */
const STEP_MESSAGES = 500

/** If the clock gains more than this on the elapsed time, it was set forward. */
const STEP_MS = 2_000

/** In milliseconds. */
export interface ExpiryClocks {
  /** Since 1970. */
  now(): number
  /** Monotonic, from an arbitrary start. */
  elapsed(): number
}

/**
 * Checks every second until it is stopped. Changing the clock does not change how long a message lives: when the clock is
 * set forward, expiry times move with it. `now` (clock.ts) never goes back while the server runs; a clock that was set
 * back is noticed at the next start.
 */
export function createMessageExpiry(
  store: Store,
  leader: Leader,
  onError: (error: unknown) => void,
  clocks: ExpiryClocks = { now, elapsed },
): MessageExpiry {
  let checking: Promise<void> | null = null
  let stopped = false
  let isFirst = true
  let last = { now: clocks.now(), elapsed: clocks.elapsed() }

  async function followClock(): Promise<void> {
    const time = { now: clocks.now(), elapsed: clocks.elapsed() }
    const stepMs = time.now - last.now - (time.elapsed - last.elapsed)
    const since = last.now + stepMs
    if (stepMs > STEP_MS) await leader.transact((tx) => postponeExpiry(tx.sql, stepMs, since))
    else if (isFirst) await leader.transact((tx) => shortenExpiry(tx.sql, time.now))
    // Set only after success, so that a failed step is repeated.
    isFirst = false
    last = time
  }

  async function expire(): Promise<void> {
    try {
      if (!leader.isLikely) {
        // The leader follows the clock.
        last = { now: clocks.now(), elapsed: clocks.elapsed() }
        return
      }
      await followClock()
      if (stopped) return
      const next = await store.read(({ sql }) => nextExpiry(sql))
      if (next === null || Date.parse(next) > clocks.now()) return
      while (
        !stopped &&
        (await leader.transact((tx) => expireMessages(tx, clocks.now(), STEP_MESSAGES))) === STEP_MESSAGES
      );
    } catch (error) {
      onError(error)
    }
  }

  function check(): Promise<void> {
    checking ??= expire().finally(() => {
      checking = null
    })
    return checking
  }

  const timer = setInterval(() => void check(), EVERY_MS)
  timer.unref()
  return {
    check,
    async stop() {
      stopped = true
      clearInterval(timer)
      await checking
    },
  }
}
