/** Judges a log of events by a scenario. The same events in the same order give the same verdict, however they came. */

import { globs } from '../../text/glob.ts'
import type { Saved } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import { type Expectation, isBounded, type Scenario } from '../scenario/scenario.ts'
import { Bounds } from './bounds.ts'
import { OrderedReader } from './ordered-reader.ts'
import type { Reader } from './reading.ts'
import { UnorderedReader } from './unordered-reader.ts'

export interface Finding {
  readonly expectation: Expectation
  readonly fault?: 'missing' | 'over'
  /** Indexes into the log of the events that serve it; for an absence those that should not have come. */
  readonly served: readonly number[]
}

export interface Standing {
  /** More events are needed. */
  readonly isMissing: boolean
  /** Whatever may come, it cannot be met any more. */
  readonly isBroken: boolean
}

/** What the log says if it ends here. */
export interface Verdict extends Standing {
  readonly isMet: boolean
  /** One for each expectation, in their order. */
  readonly findings: readonly Finding[]
  /** With the order `exact`: indexes of the events that serve nothing. */
  readonly strays: readonly number[]
  readonly saved: Saved
}

/** Of the events that are not judged, so many keep their payload, for reports. A log may be longer than memory is large. */
const KEPT = 1_000

export class Judge {
  readonly #scenario: Scenario
  readonly #log: Envelope[] = []
  readonly #arrivals: number[] = []
  readonly #bounds: Bounds
  readonly #bounded: ReadonlySet<Expectation>
  readonly #reader: Reader
  readonly #isJudged: (event: string) => boolean
  /** Indexes of those that are not judged and have their payload. */
  readonly #others: number[] = []
  #standing: Standing | undefined

  constructor(scenario: Scenario) {
    const { order, expectations, only } = scenario
    const bounded = expectations.filter((one) => isApart(one, scenario))
    const steps = expectations.filter((one) => !bounded.includes(one))
    const isNamed = (event: string) => steps.some((step) => step.hasType(event))
    const isOnly = globs(only)
    this.#scenario = scenario
    this.#bounded = new Set(bounded)
    this.#bounds = new Bounds(bounded, this.#log)
    this.#reader =
      order === 'any'
        ? new UnorderedReader(steps)
        : new OrderedReader(steps, { isCounted: (event) => order === 'exact' && (isNamed(event) || isOnly(event)) })
    this.#isJudged = (event) => isOnly(event) || expectations.some((one) => one.hasType(event))
  }

  /** Every event. Of those whose names nothing asks for, only the newest have their data. */
  get log(): readonly Envelope[] {
    return this.#log
  }

  /** When the events of the log were added, as `add` was told. */
  get arrivals(): readonly number[] {
    return this.#arrivals
  }

  /** Whether something must not come, so that one has to wait even if all is met. */
  get watches(): boolean {
    return this.#scenario.order === 'exact' || this.#scenario.expectations.some(isBounded)
  }

  /** Whether events of this name can change the verdict. */
  isJudged(event: string): boolean {
    return this.#isJudged(event)
  }

  /** `at` is for reports only, in milliseconds since the beginning. */
  add(envelope: Envelope, at = 0): void {
    this.#log.push(envelope)
    this.#arrivals.push(at)
    if (!this.#isJudged(envelope.event)) {
      this.#addOther()
      return
    }
    this.#reader.add(envelope, this.#log.length - 1)
    this.#standing = undefined
  }

  #addOther(): void {
    this.#others.push(this.#log.length - 1)
    if (this.#others.length <= KEPT) return
    const index = this.#others.shift() ?? 0
    const envelope = this.#log[index]
    if (envelope) this.#log[index] = { ...envelope, data: null }
  }

  /** As in the verdict, in a time that does not grow with the log. */
  standing(): Standing {
    const { brokenBy } = this.#bounds
    this.#standing ??= { isMissing: this.#reader.isMissing(brokenBy), isBroken: !this.#reader.isOpen(brokenBy) }
    return this.#standing
  }

  verdict(): Verdict {
    const { brokenBy } = this.#bounds
    const reading = this.#reader.best(brokenBy)
    const broken = brokenBy(reading.saved)
    const findings = this.#scenario.expectations.map((expectation): Finding => {
      if (this.#bounded.has(expectation)) {
        const served = this.#bounds.fitting(expectation, reading.saved)
        return { expectation, served, ...(broken.has(expectation) && { fault: 'over' }) }
      }
      const served = reading.served.get(expectation) ?? []
      if (reading.over.has(expectation)) return { expectation, served, fault: 'over' }
      return { expectation, served, ...(reading.missing.has(expectation) && { fault: 'missing' }) }
    })
    return {
      isMet: reading.strays.length === 0 && findings.every(({ fault }) => fault === undefined),
      ...this.standing(),
      findings,
      strays: reading.strays,
      saved: reading.saved,
    }
  }
}

/** Whether an upper bound counts every event that fits, and not only those that serve it. */
function isApart({ count }: Expectation, { order }: Scenario): boolean {
  return count.max === 0 || (count.min === 0 && order !== 'exact' && count.max !== Number.POSITIVE_INFINITY)
}
