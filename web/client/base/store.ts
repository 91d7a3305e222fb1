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

/**
 * Calls listeners synchronously, in the order in which they were added. A listener that is added or removed during a
 * notification does not get it; one that throws does not affect the others, and its error is reported as uncaught.
 */
class Listeners {
  readonly #entries = new Set<{ readonly call: () => void }>()

  add(call: () => void): () => void {
    const entry = { call }
    this.#entries.add(entry)
    return () => {
      this.#entries.delete(entry)
    }
  }

  notify(): void {
    for (const entry of [...this.#entries]) {
      if (!this.#entries.has(entry)) continue
      try {
        entry.call()
      } catch (error) {
        reportUncaught(error)
      }
    }
  }
}

export function createStore<T>(initial: T): WritableStore<T> {
  let value = initial
  const listeners = new Listeners()
  return {
    get: () => value,
    set(next) {
      if (Object.is(value, next)) return
      value = next
      listeners.notify()
    },
    subscribe: (listener) => listeners.add(listener),
  }
}

/** A store that computes its value when it is read: ten thousand changes between two reads compute one value. */
export function derivedStore<T>(compute: () => T): DerivedStore<T> {
  const listeners = new Listeners()
  let computed: { readonly value: T } | undefined
  return {
    get() {
      computed ??= { value: compute() }
      return computed.value
    },
    subscribe: (listener) => listeners.add(listener),
    changed() {
      computed = undefined
      listeners.notify()
    },
  }
}

/** Reports an error of the user's code as uncaught, without interrupting ours. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
