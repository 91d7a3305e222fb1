/** Runs of neighbouring positions per channel, collected while events are appended. */
interface Run {
  readonly channel: string
  readonly first: number
  last: number
}

export class Runs {
  readonly #open = new Map<string, Run>()
  readonly #all: Run[] = []

  add(channel: string, seq: number): void {
    const run = this.#open.get(channel)
    if (run && seq - run.last <= 1) {
      run.last = seq
      return
    }
    const next = { channel, first: seq, last: seq }
    this.#open.set(channel, next)
    this.#all.push(next)
  }

  inOrder(): readonly Run[] {
    return this.#all.sort((a, b) => a.last - b.last)
  }
}
