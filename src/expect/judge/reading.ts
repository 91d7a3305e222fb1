import type { Saved } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import type { Expectation } from '../scenario/scenario.ts'

/**
 * A log explained: which events serve which expectation. Each event serves one at most. It is free of faults if every
 * count is within its bounds, and no event is left over that a bounded expectation fits.
 */
export interface Reading {
  readonly saved: Saved
  /** Indexes into the log, in order. */
  readonly served: ReadonlyMap<Expectation, readonly number[]>
  readonly missing: ReadonlySet<Expectation>
  /** More came than may. */
  readonly over: ReadonlySet<Expectation>
  /** With the order `exact`: events that serve nothing. */
  readonly strays: readonly number[]
}

/** The expectations with a broken upper bound that does not depend on the order, for each set of saved values. */
export type BrokenBy = (saved: Saved) => ReadonlySet<Expectation>

/** Finds readings of a log that grows. */
export interface Reader {
  add(envelope: Envelope, index: number): void
  /** The reading with the fewest faults if the log ended here; of equal ones that in which earlier expectations are met. */
  best(brokenBy: BrokenBy): Reading
  /** Whether that reading lacks events, without writing it down. */
  isMissing(brokenBy: BrokenBy): boolean
  /** Whether events that may still come could lead to a reading without faults. */
  isOpen(brokenBy: BrokenBy): boolean
}
