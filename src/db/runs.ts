/** Runs of neighbouring positions per channel, collected while events are appended. */
interface Run {
  readonly channel: string
  readonly first: number
  last: number
}

export class Runs {
  readonly #open = new Map<string, Run>()
  readonly #all: Run[] = []
  /** Of the event that was added last. */
  #placements: ReadonlyArray<{ readonly channel: string }> = []
  #runs: Run[] = []

  /** Events of one batch share their placements, and go on with the runs of the one before. */
  add(placements: ReadonlyArray<{ readonly channel: string }>, seq: number): void {
    if (placements === this.#placements && this.#runs.every((run) => run.last === seq - 1)) {
      for (const run of this.#runs) run.last = seq
      return
    }
    this.#placements = placements
    this.#runs = placements.map(({ channel }) => this.#runOf(channel, seq))
  }

  #runOf(channel: string, seq: number): Run {
    const run = this.#open.get(channel)
    if (run && seq - run.last <= 1) {
      run.last = seq
      return run
    }
    const next = { channel, first: seq, last: seq }
    this.#open.set(channel, next)
    this.#all.push(next)
    return next
  }

  inOrder(): readonly Run[] {
    return this.#all.sort((a, b) => a.last - b.last)
  }
}
