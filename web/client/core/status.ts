/** The status of a source: phases are shown at once, what every frame changes a little later. */
import type { Clock } from './clock.ts'
import { createStore } from './store.ts'
import type { Status, StopReason, Store } from './types.ts'

const SHOWN_WITHIN_MS = 100

export const IDLE: Status = {
  phase: 'idle',
  attempt: 0,
  nextRetryAt: null,
  lastFrameAt: null,
  lastEventId: null,
  role: 'alone',
  transport: null,
  unreadable: 0,
  invalid: 0,
  unknown: 0,
}

export interface StatusKeeper {
  readonly store: Store<Status>
  /** What is there now, shown or not. */
  now(): Status
  set(changes: Partial<Status>): void
  /** For what changes with every frame: ten thousand of them are not ten thousand changes to whoever draws. */
  setSoon(changes: Partial<Status>): void
  close(): void
}

export function keepStatus(clock: Clock): StatusKeeper {
  const store = createStore<Status>(IDLE)
  let now = IDLE
  let timer: unknown
  function show(): void {
    clock.clearTimeout(timer)
    timer = undefined
    store.set(now)
  }
  return {
    store,
    now: () => now,
    set(changes) {
      now = { ...now, ...changes }
      show()
    },
    setSoon(changes) {
      now = { ...now, ...changes }
      timer ??= clock.setTimeout(show, SHOWN_WITHIN_MS)
    },
    close: () => clock.clearTimeout(timer),
  }
}

/** Why a refusal with this status ends the stream; undefined for what may pass by itself, and for 200. */
export function stopReason(status: number): StopReason | undefined {
  switch (status) {
    case 200:
      return undefined
    case 204:
      return 'no-content'
    case 401:
      return 'unauthenticated'
    case 403:
      return 'forbidden'
    case 404:
      return 'not-found'
    case 408:
    case 425:
    case 429:
      return undefined
    default:
      return status >= 200 && status < 500 ? 'refused' : undefined
  }
}
