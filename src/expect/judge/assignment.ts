/**
 * Events assigned to expectations, as many as fit: a maximum matching of a bipartite graph, found by augmenting paths. An
 * event that comes is tried once; if there is no path for it then, there never will be.
 */
export class Assignment {
  /** For each event the numbers of the expectations that it fits. */
  readonly #fitting: Map<number, readonly number[]>
  readonly #capacity: readonly number[]
  readonly #assigned: readonly Set<number>[]

  constructor(capacity: readonly number[], fitting = new Map<number, readonly number[]>()) {
    this.#capacity = capacity
    this.#fitting = fitting
    this.#assigned = capacity.map(() => new Set())
  }

  /** The same assignment, with room for more. */
  widened(capacity: readonly number[]): Assignment {
    const copy = new Assignment(capacity, new Map(this.#fitting))
    for (const [at, events] of this.#assigned.entries()) for (const event of events) copy.#assigned[at]?.add(event)
    return copy
  }

  /** Whether a place was found. Other events may have moved to other expectations; none has lost its place. */
  add(event: number, fitting: readonly number[]): boolean {
    this.#fitting.set(event, fitting)
    const from = new Map<number, { readonly event: number; readonly expectation: number | undefined }>()
    const queue = [...fitting]
    for (const expectation of fitting) from.set(expectation, { event, expectation: undefined })
    for (const expectation of queue) {
      if (this.count(expectation) < (this.#capacity[expectation] ?? 0)) {
        this.#move(expectation, from)
        return true
      }
      for (const other of this.#assigned[expectation] ?? []) {
        for (const next of this.#fitting.get(other) ?? []) {
          if (from.has(next)) continue
          from.set(next, { event: other, expectation })
          queue.push(next)
        }
      }
    }
    this.#fitting.delete(event)
    return false
  }

  has(event: number): boolean {
    return this.#fitting.has(event)
  }

  count(expectation: number): number {
    return this.#assigned[expectation]?.size ?? 0
  }

  /** In the order of the log. */
  eventsOf(expectation: number): number[] {
    return [...(this.#assigned[expectation] ?? [])].sort((a, b) => a - b)
  }

  #move(
    free: number,
    from: ReadonlyMap<number, { readonly event: number; readonly expectation: number | undefined }>,
  ): void {
    let to: number | undefined = free
    while (to !== undefined) {
      const step = from.get(to)
      if (!step) return
      if (step.expectation !== undefined) this.#assigned[step.expectation]?.delete(step.event)
      this.#assigned[to]?.add(step.event)
      to = step.expectation
    }
  }
}
