/**
 * The locks of a tab that shares a stream: one for who leads, and one of each tab's own. Whoever waits for that one and
 * gets it knows that the tab is gone, also when it had no time to say so.
 */
import type { Locks } from './tab-messages.ts'

export interface TabLocksOptions {
  readonly locks: Locks
  readonly name: string
  /** Of this tab. */
  readonly id: string
  /** All are let go. */
  readonly signal: AbortSignal
  /** A lock was taken away. */
  onLost(): void
  /** The browser gives none: storage is blocked, or the page has no origin. */
  onRefused(): void
}

export interface TabLocks {
  /** Takes the lock of this tab. Nobody may know of it before, or it would be taken for one that is gone. */
  exist(begin: () => void): void
  /** Calls back when this tab leads. */
  lead(begin: () => Promise<void>): void
  /** As `lead`, at once, from whoever does. */
  takeOver(begin: () => Promise<void>): void
  /** The other tabs that are awake. */
  others(): Promise<string[]>
  whenGone(id: string, then: () => void): void
}

export function tabLocks({ locks, name, id, signal, onLost, onRefused }: TabLocksOptions): TabLocks {
  const prefix = `${name}/`

  /** Holds a lock from when it is had until the signal. */
  function hold(lock: string, options: { signal?: AbortSignal; steal?: boolean }, held: () => Promise<void>): void {
    const until = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    let isHeld = false
    request(lock, options, () => {
      isHeld = true
      if (!signal.aborted) void held()
      return until
    }).catch(() => {
      if (signal.aborted) return
      if (isHeld) onLost()
      else onRefused()
    })
  }

  /** A browser may throw where it should reject. */
  async function request(...asked: Parameters<Locks['request']>): Promise<unknown> {
    return locks.request(...asked)
  }

  async function query(): ReturnType<Locks['query']> {
    return locks.query()
  }

  return {
    exist: (begin) => hold(prefix + id, { signal }, async () => begin()),
    lead: (begin) => hold(name, { signal }, begin),
    // What is stolen cannot be waited for, so it takes no signal.
    takeOver: (begin) => hold(name, { steal: true }, begin),
    async others() {
      // Without an answer nobody is waited for.
      const { held = [] } = await query().catch(() => ({ held: [] }))
      const ids = held.map((lock) => lock.name ?? '').filter((lock) => lock.startsWith(prefix))
      return ids.map((lock) => lock.slice(prefix.length)).filter((other) => other !== id)
    },
    whenGone(other, then) {
      request(prefix + other, { signal }, async () => then()).catch(() => {
        // Let go of before that: whoever leads next waits for it.
      })
    },
  }
}
