/** Keeps the newest `limit` items, and counts all that were pushed. */
export class Newest<Item> {
  readonly #limit: number
  #items: Item[] = []
  #pushed = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many were pushed since the last `take`, including those that were dropped. */
  get pushed(): number {
    return this.#pushed
  }

  push(item: Item): void {
    this.#pushed += 1
    this.#items.push(item)
    if (this.#items.length > this.#limit) this.#items.shift()
  }

  /** Removes and returns the kept items, oldest first. */
  take(): { items: Item[]; dropped: number } {
    const taken = { items: this.#items, dropped: this.#pushed - this.#items.length }
    this.#items = []
    this.#pushed = 0
    return taken
  }
}
