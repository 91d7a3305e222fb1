/** Web Locks, for tabs that are all in one process. */
import type { Locks } from '../../../web/client/tabs/tab-messages.ts'

/** As in a browser: one holder, a queue, and `steal`. */
export class FakeLocks implements Locks {
  readonly #queues = new Map<string, Array<{ grant(): void; readonly drop: (error: Error) => void; isHeld: boolean }>>()

  request(
    name: string,
    { signal, steal }: { signal?: AbortSignal; steal?: boolean },
    callback: () => Promise<unknown>,
  ) {
    return new Promise<unknown>((resolve, reject) => {
      const queue = this.#queues.get(name) ?? []
      this.#queues.set(name, queue)
      const leave = () => {
        const index = queue.indexOf(entry)
        if (index >= 0) queue.splice(index, 1)
        queue[0]?.grant()
      }
      const entry = {
        isHeld: false,
        drop: reject,
        grant() {
          if (this.isHeld) return
          this.isHeld = true
          void callback().then((value) => {
            leave()
            resolve(value)
          })
        },
      }
      signal?.addEventListener('abort', () => {
        if (entry.isHeld) return
        leave()
        reject(new DOMException('aborted', 'AbortError'))
      })
      if (steal) {
        const [holder] = queue
        if (holder?.isHeld) {
          queue.shift()
          holder.drop(new DOMException('stolen', 'AbortError'))
        }
        queue.unshift(entry)
      } else queue.push(entry)
      queueMicrotask(() => queue[0]?.grant())
    })
  }

  async query() {
    return { held: [...this.#queues].flatMap(([name, [first]]) => (first?.isHeld ? [{ name }] : [])) }
  }
}
