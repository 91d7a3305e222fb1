/** Absences and other upper bounds that count every event that fits, wherever it stands and whatever else it serves. */

import type { Saved } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import { type Expectation, fits, usedBy } from '../scenario/scenario.ts'
import { NOTHING_SAVED } from './bindings.ts'

interface Found {
  /** How much of the log has been looked at. */
  seen: number
  readonly indexes: number[]
}

export class Bounds {
  readonly #expectations: readonly Expectation[]
  readonly #log: readonly Envelope[]
  readonly #found = new Map<Expectation, Map<Saved, Found>>()
  readonly #isFixed: ReadonlyMap<Expectation, boolean>

  constructor(expectations: readonly Expectation[], log: readonly Envelope[]) {
    this.#expectations = expectations
    this.#log = log
    this.#isFixed = new Map(expectations.map((one) => [one, usedBy(one).length === 0]))
    for (const one of expectations) this.#found.set(one, new Map())
  }

  readonly brokenBy = (saved: Saved): ReadonlySet<Expectation> =>
    new Set(this.#expectations.filter((one) => this.fitting(one, saved).length > one.count.max))

  /** Indexes of the events that fit. */
  fitting(expected: Expectation, saved: Saved): readonly number[] {
    const key = this.#isFixed.get(expected) ? NOTHING_SAVED : saved
    const bySaved = this.#found.get(expected)
    const found = bySaved?.get(key) ?? { seen: 0, indexes: [] }
    bySaved?.set(key, found)
    for (; found.seen < this.#log.length; found.seen += 1) {
      const envelope = this.#log[found.seen]
      if (envelope && fits(expected, envelope, key)) found.indexes.push(found.seen)
    }
    return found.indexes
  }
}
