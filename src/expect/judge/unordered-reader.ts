/**
 * Readings in any order. A reading without faults exists if there is an assignment in which every expectation has what it
 * needs, and one in which every event that only bounded expectations fit has a place: then there also is one with both.
 */
import type { Envelope } from '../conditions/envelope.ts'
import { type Expectation, fits, isBounded } from '../scenario/scenario.ts'
import { Assignment } from './assignment.ts'
import { NOTHING_SAVED } from './bindings.ts'
import type { BrokenBy, Reader, Reading } from './reading.ts'

export class UnorderedReader implements Reader {
  readonly #expectations: readonly Expectation[]
  readonly #needs: Assignment
  readonly #bounds: Assignment
  readonly #fitting = new Map<number, readonly number[]>()
  /** More came than all together may have. */
  #isFull = false
  /** How many events are still needed. */
  #lacking: number

  constructor(expectations: readonly Expectation[]) {
    this.#expectations = expectations
    this.#needs = new Assignment(expectations.map(({ count }) => count.min))
    this.#bounds = new Assignment(expectations.map(({ count }) => count.max))
    this.#lacking = expectations.reduce((sum, { count }) => sum + count.min, 0)
  }

  add(envelope: Envelope, index: number): void {
    const fitting = this.#expectations.flatMap((one, at) => (fits(one, envelope, NOTHING_SAVED) ? [at] : []))
    if (fitting.length === 0) return
    this.#fitting.set(index, fitting)
    if (this.#lacking > 0 && this.#needs.add(index, fitting)) this.#lacking -= 1
    if (this.#isFull) return
    this.#isFull = this.#isOnlyBounded(fitting) && !this.#bounds.add(index, fitting)
  }

  best(_brokenBy: BrokenBy): Reading {
    const all = this.#needs.widened(this.#expectations.map(({ count }) => count.max))
    const over = new Set<Expectation>()
    const surplus = new Map<number, number[]>()
    // Those that have no choice come first, so that the others make room for them.
    const events = [...this.#fitting].sort(
      ([a, fitsA], [b, fitsB]) => Number(this.#isOnlyBounded(fitsB)) - Number(this.#isOnlyBounded(fitsA)) || a - b,
    )
    for (const [index, fitting] of events) {
      if (all.has(index) || all.add(index, fitting)) continue
      const [blamed = 0] = fitting
      const expected = this.#expectations[blamed]
      if (expected) over.add(expected)
      surplus.set(blamed, [...(surplus.get(blamed) ?? []), index])
    }
    const served = this.#expectations.map((one, at) => {
      const indexes = [...all.eventsOf(at), ...(surplus.get(at) ?? [])].sort((a, b) => a - b)
      return [one, indexes] as const
    })
    const missing = this.#expectations.filter(({ count }, at) => this.#needs.count(at) < count.min)
    return { saved: NOTHING_SAVED, served: new Map(served), missing: new Set(missing), over, strays: [] }
  }

  isMissing(): boolean {
    return this.#lacking > 0
  }

  isOpen(brokenBy: BrokenBy): boolean {
    return !this.#isFull && brokenBy(NOTHING_SAVED).size === 0
  }

  #isOnlyBounded(fitting: readonly number[]): boolean {
    return fitting.every((at) => {
      const expected = this.#expectations[at]
      return expected !== undefined && isBounded(expected)
    })
  }
}
