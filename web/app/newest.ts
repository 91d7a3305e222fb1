/** Keeps the newest `limit` items that were pushed and counts all of them. */
export class Newest<Item> {
  readonly #limit: number
  #items: Item[] = []
  #pushed = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many were pushed since the last `take`, those that were let go included. */
  get pushed(): number {
    return this.#pushed
  }

  push(item: Item): void {
    this.#pushed += 1
    this.#items.push(item)
    if (this.#items.length > this.#limit) this.#items.shift()
  }

  /** The kept items, oldest first; begins anew. */
  take(): { items: Item[]; dropped: number } {
    const taken = { items: this.#items, dropped: this.#pushed - this.#items.length }
    this.#items = []
    this.#pushed = 0
    return taken
  }
}
