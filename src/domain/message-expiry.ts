/** Lets messages expire when their time is over. It looks at one entry of an index, and writes only when one is due. */
import { nextExpiry } from '../db/messages.ts'
import type { Store } from '../db/store.ts'
import { expireMessages } from './messages.ts'

export interface MessageExpiry {
  /** Lets everything expire that is due. Resolves when that is done; failures go to `onError`. */
  check(): Promise<void>
  stop(): void
}

const EVERY_MS = 1_000
/** In one transaction: a few milliseconds of work. */
const STEP_MESSAGES = 500

/** Looks every second, from now until it is stopped. `clock` answers milliseconds since 1970. */
export function createMessageExpiry(
  store: Store,
  onError: (error: unknown) => void,
  clock: () => number = Date.now,
): MessageExpiry {
  let checking: Promise<void> | null = null
  let stopped = false

  async function expire(): Promise<void> {
    try {
      const next = await store.read((sql) => nextExpiry(sql))
      if (next === null || Date.parse(next) > clock()) return
      while (!stopped && (await store.transact((tx) => expireMessages(tx, clock(), STEP_MESSAGES))) === STEP_MESSAGES);
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
