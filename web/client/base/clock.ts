/** Time as the client sees it, so that tests can control it. Milliseconds since 1970. */
export interface Clock {
  now(): number
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

/** How long a stream or a store is kept after its last reader has left. */
export const LINGER_MS = 5_000

export const systemClock: Clock = {
  now: Date.now,
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout> | undefined),
}

/** Beyond this, the system's setTimeout fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

interface LongTimer {
  current: unknown
}
const longTimers = new WeakSet<LongTimer>()

/** The same clock with timers that may be longer than the 24 days that setTimeout allows. */
export function withLongTimers(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    setTimeout(callback, ms) {
      if (!(ms > MAX_TIMEOUT_MS)) return clock.setTimeout(callback, ms)
      const timer: LongTimer = { current: undefined }
      longTimers.add(timer)
      let leftMs = ms
      arm()
      return timer

      function arm(): void {
        const stepMs = Math.min(leftMs, MAX_TIMEOUT_MS)
        leftMs -= stepMs
        timer.current = clock.setTimeout(leftMs > 0 ? arm : callback, stepMs)
      }
    },
    clearTimeout: (timer) => clock.clearTimeout(isLong(timer) ? timer.current : timer),
  }
}

function isLong(timer: unknown): timer is LongTimer {
  return typeof timer === 'object' && timer !== null && longTimers.has(timer as LongTimer)
}
