/** The status of a stream. Changes of the phase show at once, what changes with every frame a little later. */
import type { Clock } from './clock.ts'
import { createStore } from './store.ts'
import type { Status, StopReason, Store } from './types.ts'

const THROTTLE_MS = 100

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
  /** The newest status, including changes that do not show yet. */
  now(): Status
  set(changes: Partial<Status>): void
  /** For changes that come with every frame: ten thousand frames must not notify listeners ten thousand times. */
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
      timer ??= clock.setTimeout(show, THROTTLE_MS)
    },
    close: () => clock.clearTimeout(timer),
  }
}

export function stopOf(reason: StopReason, status: number | undefined, detail: string | undefined): Status['stop'] {
  return { reason, ...(status !== undefined && { status }), ...(detail !== undefined && { detail }) }
}
