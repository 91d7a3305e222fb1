/**
 * A store whose value is made when somebody asks for it. Ten thousand events between two screens change what lies beneath
 * ten thousand times, and make one value.
 */
import { createStore } from '../core/store.ts'
import type { Store } from '../core/types.ts'

export interface DerivedStore<T> extends Store<T> {
  /** What the value is made of has changed. */
  changed(): void
}

export function derivedStore<T>(make: () => T): DerivedStore<T> {
  const version = createStore(0)
  let made: { readonly version: number; readonly value: T } | undefined
  return {
    get() {
      if (made?.version !== version.get()) made = { version: version.get(), value: make() }
      return made.value
    },
    subscribe: version.subscribe,
    changed: () => version.set(version.get() + 1),
  }
}
