/** A value that changes, and who wants to know. */
import type { Store } from './types.ts'

export interface WritableStore<T> extends Store<T> {
  /** Nothing is said when the value is the one that is there (`Object.is`). */
  set(value: T): void
}

/**
 * Listeners are told synchronously, in the order in which they came. One that leaves or comes meanwhile is not told of this
 * change; one that throws stops no other, and its error surfaces as an uncaught one.
 */
export function createStore<T>(initial: T): WritableStore<T> {
  let value = initial
  const listeners = new Set<{ readonly tell: () => void }>()
  return {
    get: () => value,
    set(next) {
      if (Object.is(value, next)) return
      value = next
      for (const listener of [...listeners]) if (listeners.has(listener)) guarded(listener.tell)
    },
    subscribe(tell) {
      const listener = { tell }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

/** Calls what is not ours: what it throws is thrown again where it breaks nothing. */
export function guarded(call: () => void): void {
  try {
    call()
  } catch (error) {
    surface(error)
  }
}

export function surface(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
