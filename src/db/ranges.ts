/** Ranges of consecutive sequence numbers per channel, collected while events are appended. */
interface Range {
  readonly channel: string
  readonly first: number
  last: number
}

export class Ranges {
  readonly #open = new Map<string, Range>()
  readonly #all: Range[] = []
  /** Of the event that was added last. */
  #placements: ReadonlyArray<{ readonly channel: string }> = []
  #ranges: Range[] = []

  /** Events of one batch share their placements, and extend the ranges of the one before. */
  add(placements: ReadonlyArray<{ readonly channel: string }>, seq: number): void {
    if (placements === this.#placements && this.#ranges.every((range) => range.last === seq - 1)) {
      for (const range of this.#ranges) range.last = seq
      return
    }
    this.#placements = placements
    this.#ranges = placements.map(({ channel }) => this.#rangeOf(channel, seq))
  }

  #rangeOf(channel: string, seq: number): Range {
    const range = this.#open.get(channel)
    if (range && seq - range.last <= 1) {
      range.last = seq
      return range
    }
    const next = { channel, first: seq, last: seq }
    this.#open.set(channel, next)
    this.#all.push(next)
    return next
  }

  inOrder(): readonly Range[] {
    return this.#all.sort((a, b) => a.last - b.last)
  }
}
