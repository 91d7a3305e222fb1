import { setTimeout as sleep } from 'node:timers/promises'

/** Time as the demo sees it: `speed` times faster than life, and over at once when `signal` says so. */
export interface Pace {
  /** Rejects with an AbortError when the time is over. */
  pause(ms: number): Promise<void>
}

export function createPace(speed: number, signal: AbortSignal): Pace {
  return {
    async pause(ms) {
      await sleep(ms / speed, undefined, { signal })
    },
  }
}
