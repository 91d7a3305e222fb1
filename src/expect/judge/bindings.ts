/** Saved values, one object for equal ones: readings that differ in nothing else can be told to be the same. */

import type { Saved } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import { valuesAt } from '../conditions/path.ts'
import type { Expectation } from '../scenario/scenario.ts'

/** Each event that could be saved from doubles the readings; of more than these the later ones are not tried. */
const MAX_BINDINGS = 1_000

export const NOTHING_SAVED: Saved = new Map()

export class Bindings {
  readonly #known = new Map<string, Saved>([['[]', NOTHING_SAVED]])
  readonly #numbers = new Map<Saved, number>([[NOTHING_SAVED, 0]])

  /** What is saved after the step has taken the event; undefined if that would be one too many. */
  after(saved: Saved, { saves }: Expectation, envelope: Envelope): Saved | undefined {
    if (saves.length === 0) return saved
    const values = new Map(saved)
    for (const { name, path } of saves) values.set(name, valuesAt(path, envelope)[0])
    const key = JSON.stringify([...values].sort(([a], [b]) => (a < b ? -1 : 1)))
    const known = this.#known.get(key)
    if (known || this.#known.size > MAX_BINDINGS) return known
    this.#known.set(key, values)
    this.#numbers.set(values, this.#numbers.size)
    return values
  }

  /** Equal for equal values. */
  numberOf(saved: Saved): number {
    return this.#numbers.get(saved) ?? -1
  }
}
