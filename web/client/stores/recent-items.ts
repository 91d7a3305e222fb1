/** The newest part of an output that grows without bound. */

/** How many lines or chunks a store keeps. */
export const MAX_RECENT_ITEMS = 1_000

export class RecentItems<Item> {
  readonly #limit: number
  #items: Item[] = []
  #list: readonly Item[] | undefined
  /** How many items were pushed in total, including those that are not kept. */
  count = 0

  constructor(items: readonly Item[] = [], limit = MAX_RECENT_ITEMS) {
    this.#limit = limit
    for (const item of items) this.push(item)
  }

  push(item: Item): void {
    this.#items.push(item)
    this.#list = undefined
    this.count += 1
    // Trimmed in blocks, so that the cost of a push does not depend on the limit.
    if (this.#items.length >= 2 * this.#limit) this.#items = this.#items.slice(-this.#limit)
  }

  /** The newest items, oldest first; the same list until something is pushed. */
  get list(): readonly Item[] {
    this.#list ??= this.#items.slice(-this.#limit)
    return this.#list
  }
}

/** The newest lines of text that comes in chunks. */
export class LineSplitter {
  readonly #complete = new RecentItems<string>()
  #rest = ''

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop() ?? ''
    // The CR of a CRLF may have come with an earlier chunk.
    for (const line of lines) this.#complete.push(line.endsWith('\r') ? line.slice(0, -1) : line)
  }

  /** Oldest first. The last line may be incomplete. */
  get list(): readonly string[] {
    return this.#rest === '' ? this.#complete.list : [...this.#complete.list.slice(1 - MAX_RECENT_ITEMS), this.#rest]
  }
}
