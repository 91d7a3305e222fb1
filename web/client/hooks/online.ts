import type { Store } from '../core/types.ts'

/** What the browser says of its network; true where there is none to ask. */
export const online: Store<boolean> = {
  get: () => typeof navigator === 'undefined' || navigator.onLine !== false,
  subscribe(listener) {
    if (typeof addEventListener !== 'function') return () => undefined
    addEventListener('online', listener)
    addEventListener('offline', listener)
    return () => {
      removeEventListener('online', listener)
      removeEventListener('offline', listener)
    }
  },
}
