/** Timers beyond the 24 days of setTimeout. */
import type { Clock } from './clock.ts'

/** More than so many milliseconds, and setTimeout fires at once. */
const MAX_MS = 2 ** 31 - 1

interface LongTimer {
  current: unknown
}
const long = new WeakSet<LongTimer>()

/** The same time, with timers that are right however long they are. */
export function withLongTimers(time: Clock): Clock {
  return {
    now: () => time.now(),
    setTimeout(callback, ms) {
      if (!(ms > MAX_MS)) return time.setTimeout(callback, ms)
      const timer: LongTimer = { current: undefined }
      long.add(timer)
      let leftMs = ms
      arm()
      return timer

      function arm(): void {
        const stepMs = Math.min(leftMs, MAX_MS)
        leftMs -= stepMs
        timer.current = time.setTimeout(leftMs > 0 ? arm : callback, stepMs)
      }
    },
    clearTimeout: (timer) => time.clearTimeout(isLong(timer) ? timer.current : timer),
  }
}

function isLong(timer: unknown): timer is LongTimer {
  return typeof timer === 'object' && timer !== null && long.has(timer as LongTimer)
}
