/** The newest of what is printed: bounded, and counted in full. */

/** Lines and chunks that a store keeps. */
export const TAIL_LIMIT = 1_000

export class Tail<Item> {
  readonly #limit: number
  #items: Item[] = []
  #list: readonly Item[] | undefined
  /** All that were pushed, those that were let go included. */
  count = 0

  constructor(items: readonly Item[] = [], limit = TAIL_LIMIT) {
    this.#limit = limit
    for (const item of items) this.push(item)
  }

  push(item: Item): void {
    this.#items.push(item)
    this.#list = undefined
    this.count += 1
    // In strides, so that a push costs the same whatever the limit.
    if (this.#items.length >= 2 * this.#limit) this.#items = this.#items.slice(-this.#limit)
  }

  /** The newest, oldest first; the same list until something is pushed. */
  get list(): readonly Item[] {
    this.#list ??= this.#items.slice(-this.#limit)
    return this.#list
  }
}
