/** Lines of what comes in pieces. */
import { TAIL_LIMIT, Tail } from './tail.ts'

export class LineSplitter {
  readonly #whole: Tail<string>
  #rest = ''

  constructor(limit = TAIL_LIMIT) {
    this.#whole = new Tail<string>([], limit)
  }

  push(piece: string): void {
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop() ?? ''
    // The CR of a CRLF may have come with an earlier piece.
    for (const line of lines) this.#whole.push(line.endsWith('\r') ? line.slice(0, -1) : line)
  }

  /** The newest, oldest first; what has no end yet is the last one. */
  get list(): readonly string[] {
    return this.#rest === '' ? this.#whole.list : [...this.#whole.list.slice(1 - TAIL_LIMIT), this.#rest]
  }
}
