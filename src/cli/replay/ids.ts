/** Ids of a recording, and those that the server gave to the same things when they were posted again. */

/** The form of the ids that servers make; clients name some things themselves. */
const MADE_BY_SERVER = /^(brd|col|crd|att|log|run|stp|ses|shl|tsk|sub|msg|pro)_[0-9a-f-]{36}$/

export class Ids {
  readonly #known = new Map<string, string>()
  /** All boards become this one. */
  readonly #board: string | undefined

  constructor(board: string | undefined) {
    this.#board = board
  }

  learn(recorded: unknown, given: unknown): void {
    if (typeof recorded === 'string' && typeof given === 'string') this.#known.set(recorded, given)
  }

  /** Undefined: it is on another board, and which column of the new board it would be is unknown. */
  column(recorded: unknown): string | undefined {
    if (typeof recorded !== 'string') return undefined
    return this.#known.get(recorded) ?? (this.#board === undefined ? recorded : undefined)
  }

  /** As it is now; an id that was not learned is what it was. */
  of(recorded: unknown): string {
    const id = String(recorded)
    return this.#known.get(id) ?? id
  }

  /** Undefined stays undefined, and so does null. */
  optional(recorded: unknown): string | undefined {
    return typeof recorded === 'string' ? this.of(recorded) : undefined
  }

  board(recorded: unknown): string {
    return this.#board ?? this.of(recorded)
  }

  optionalBoard(recorded: unknown): string | undefined {
    return typeof recorded === 'string' ? this.board(recorded) : undefined
  }

  list(recorded: unknown): string[] {
    return Array.isArray(recorded) ? recorded.map((id) => this.of(id)) : []
  }

  /** The id to create a thing with; undefined: the server makes one. */
  named(recorded: unknown): string | undefined {
    return typeof recorded === 'string' && !MADE_BY_SERVER.test(recorded) ? recorded : undefined
  }
}
