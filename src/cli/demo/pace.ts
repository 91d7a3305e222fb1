import { setTimeout as sleep } from 'node:timers/promises'

/** Time as the demo sees it: `speed` times faster than life, and over at once when `signal` says so. */
export interface Pace {
  /** Rejects with an AbortError when the time is over. */
  pause(ms: number): Promise<void>
}

/** More, and a timer fires at once. */
const MAX_MS = 2 ** 31 - 1

export function createPace(speed: number, signal: AbortSignal): Pace {
  return {
    async pause(ms) {
      await sleep(Math.min(ms / speed, MAX_MS), undefined, { signal })
    },
  }
}
