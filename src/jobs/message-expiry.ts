/** Lets messages expire when their time is over. It looks at one entry of an index, and writes only when one is due. */
import { elapsed, now } from '../base/clock.ts'
import type { Leader } from '../db/lease.ts'
import { nextExpiry } from '../db/rows/messages.ts'
import type { Store } from '../db/store.ts'
import { expireMessages, postponeExpiry, shortenExpiry } from '../domain/messages.ts'

export interface MessageExpiry {
  /** Lets everything expire that is due. Resolves when that is done; failures go to `onError`. */
  check(): Promise<void>
  stop(): void
}

const EVERY_MS = 1_000
/** In one transaction: a few milliseconds of work. */
const STEP_MESSAGES = 500

/** A clock that is ahead of the time that has passed by more than this was set forward. */
const STEP_MS = 2_000

/** In milliseconds. */
export interface ExpiryClocks {
  /** Since 1970. */
  now(): number
  /** Since some moment; goes at its pace always. */
  elapsed(): number
}

/**
 * Looks every second, from now until it is stopped. A message lives its time whatever is done to the clock: when the clock
 * is set forward, the ends of lives go with it. That it is set back does not show in `now` (clock.ts) while the server
 * runs; over a restart it does.
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
    // Not before: what the storage refuses is done the next time.
    isFirst = false
    last = time
  }

  async function expire(): Promise<void> {
    try {
      await followClock()
      const next = await store.read(({ sql }) => nextExpiry(sql))
      if (next === null || Date.parse(next) > clocks.now()) return
      while (
        !stopped &&
        (await leader.transact((tx) => expireMessages(tx, clocks.now(), STEP_MESSAGES))) === STEP_MESSAGES
      );
    } catch (error) {
      onError(error)
    } finally {
      checking = null
    }
  }

  function check(): Promise<void> {
    checking ??= expire()
    return checking
  }

  const timer = setInterval(() => void check(), EVERY_MS)
  timer.unref()
  return {
    check,
    stop() {
      stopped = true
      clearInterval(timer)
    },
  }
}
