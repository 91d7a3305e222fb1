/** The stored events that were delivered, so that none is delivered twice. */
import { isControl, isUnstored } from '../base/frames.ts'
import type { Frame } from '../base/types.ts'

/** Older ones are forgotten. */
const LIMIT = 10_000

export class DeliveredEvents {
  readonly #keys = new Set<string>()

  /** False if the event was delivered before. Frames that are not stored share their id with a stored event, and always pass. */
  add({ id, event }: Frame): boolean {
    if (isControl(event) || isUnstored(event)) return true
    const key = `${id} ${event}`
    if (this.#keys.has(key)) return false
    this.#keys.add(key)
    for (const oldest of this.#keys) {
      if (this.#keys.size <= LIMIT) break
      this.#keys.delete(oldest)
    }
    return true
  }

  clear(): void {
    this.#keys.clear()
  }
}
