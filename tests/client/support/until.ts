import type { Store } from '../../../web/client/base/types.ts'

/** Resolves to the first value of the store for which the condition holds. Keeps the store open meanwhile. */
export function until<T>(
  store: Store<T>,
  what: string,
  condition: (value: T) => boolean,
  withinMs = 10_000,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      undo()
      const seen = JSON.stringify(store.get(), (_, value) => (Array.isArray(value) ? value.slice(-5) : value))
      reject(new Error(`waited for ${what}; saw ${seen?.slice(0, 2_000)}`))
    }, withinMs)
    const undo = store.subscribe(look)
    look()
    function look(): void {
      if (!condition(store.get())) return
      clearTimeout(timer)
      // Not during the call of `subscribe`.
      queueMicrotask(() => undo())
      resolve(store.get())
    }
  })
}
