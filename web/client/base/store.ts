/** Values that change over time, and their listeners. */
import type { Store } from './types.ts'

export interface WritableStore<T> extends Store<T> {
  /** Does nothing if the value is the same (`Object.is`). */
  set(value: T): void
}

export interface DerivedStore<T> extends Store<T> {
  /** What the value is computed from has changed. */
  changed(): void
}

export function createStore<T>(initial: T): WritableStore<T> {
  let value = initial
  const { get, subscribe, changed } = derivedStore(() => value)
  return {
    get,
    subscribe,
    set(next) {
      if (Object.is(value, next)) return
      value = next
      changed()
    },
  }
}

/**
 * A store that computes its value when it is read: ten thousand changes between two reads compute one value.
 *
 * Listeners are called synchronously, in the order in which they were added. A listener that is added or removed during a
 * notification does not get it; one that throws does not affect the others, and its error is reported as uncaught.
 */
export function derivedStore<T>(compute: () => T): DerivedStore<T> {
  const listeners = new Set<{ readonly call: () => void }>()
  let computed: { readonly value: T } | undefined
  return {
    get() {
      computed ??= { value: compute() }
      return computed.value
    },
    subscribe(call) {
      const listener = { call }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    changed() {
      computed = undefined
      for (const listener of [...listeners]) {
        if (!listeners.has(listener)) continue
        try {
          listener.call()
        } catch (error) {
          reportUncaught(error)
        }
      }
    },
  }
}

/** Reports an error of the user's code as uncaught, without interrupting ours. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
