/** A store whose making is loaded when it is opened. */
import type { OpenableStore } from '../core/shared-by-count.ts'
import { createStore } from '../core/store.ts'
import { loadedMakers, type Makers } from './loaded.ts'
import type { Standing } from './resource.ts'

export interface LazyStore<Value, Inner> extends OpenableStore<Value> {
  /** Undefined while it is closed, or being loaded. */
  readonly inner: Inner | undefined
}

/** At once when the stores are loaded already. */
export function withMakers<T>(use: (makers: Makers) => T): T | Promise<T> {
  const loaded = loadedMakers()
  return loaded ? use(loaded) : import('./makers.ts').then(() => withMakers(use))
}

export function lazyStore<Value extends Standing, Inner extends OpenableStore<Value> & { revisit?(): void }>(
  initial: Value,
  make: (makers: Makers) => Inner,
): LazyStore<Value, Inner> {
  const version = createStore(0)
  let value = initial
  let inner: Inner | undefined
  let undo: (() => void) | undefined
  let opened = 0

  function changed(): void {
    version.set(version.get() + 1)
  }

  return {
    get inner() {
      return inner
    },
    get: () => (inner ? inner.get() : value),
    subscribe(listener) {
      if (inner?.get().phase === 'gone') inner.revisit?.()
      return version.subscribe(listener)
    },
    open() {
      const mine = ++opened
      const ready = (makers: Makers) => {
        if (mine !== opened) return
        inner = make(makers)
        undo = inner.subscribe(changed)
        inner.open()
        changed()
      }
      const failed = (error: Error) => {
        value = { ...initial, phase: 'error', error }
        changed()
      }
      void (async () => withMakers(ready))().catch(failed)
    },
    close() {
      opened += 1
      undo?.()
      inner?.close()
      inner = undefined
      value = initial
    },
  }
}
