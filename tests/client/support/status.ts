/** Waits for a status. */
import type { Status, Store } from '../../../web/client/base/types.ts'

export function untilStatus(
  store: Store<Status>,
  what: string,
  condition: (status: Status) => boolean,
  withinMs = 20_000,
): Promise<Status> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      undo()
      reject(new Error(`waited for ${what}; is ${JSON.stringify(store.get())}`))
    }, withinMs)
    const check = () => {
      if (!condition(store.get())) return
      clearTimeout(timer)
      undo()
      resolve(store.get())
    }
    const undo = store.subscribe(check)
    check()
  })
}
