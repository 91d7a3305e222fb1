/** A slow judge that tries every way in which events can serve expectations: what the fast one must agree with. */

import type { Envelope } from '../../../src/expect/conditions/envelope.ts'
import { valuesAt } from '../../../src/expect/conditions/path.ts'
import { type Expectation, fits, type Scenario } from '../../../src/expect/scenario/scenario.ts'

type Saved = ReadonlyMap<string, unknown>

interface Way {
  /** The step that each event serves, or -1. */
  readonly serves: readonly number[]
  readonly saved: Saved
  /** Steps that lack events or have too many. */
  readonly faulty: number
  readonly isValid: boolean
}

/** Whether the log meets the scenario. */
export function isMetByBruteForce(scenario: Scenario, log: readonly Envelope[]): boolean {
  return ways(scenario, log).some(({ isValid }) => isValid)
}

/** The smallest number of steps that are not met, for scenarios without upper bounds. */
export function fewestFaults(scenario: Scenario, log: readonly Envelope[]): number {
  return Math.min(...ways(scenario, log).map(({ faulty }) => faulty))
}

function ways(scenario: Scenario, log: readonly Envelope[]): Way[] {
  const isApart = ({ count }: Expectation) =>
    count.max === 0 || (count.min === 0 && count.max < Number.POSITIVE_INFINITY && scenario.order !== 'exact')
  const apart = scenario.expectations.filter(isApart)
  const steps = scenario.expectations.filter((one) => !isApart(one))
  const isCounted = (event: string) =>
    scenario.order === 'exact' && (scenario.only.includes(event) || steps.some((step) => step.hasType(event)))
  const found: Way[] = []

  const go = (at: number, serves: readonly number[], saved: Saved, isValid: boolean): void => {
    const envelope = log[at]
    if (!envelope) {
      const counts = steps.map((_, step) => serves.filter((one) => one === step).length)
      const faulty = steps.filter(({ count }, step) => counts[step]! < count.min || counts[step]! > count.max).length
      const isBroken = apart.some((one) => log.filter((each) => fits(one, each, saved)).length > one.count.max)
      found.push({ serves, saved, faulty, isValid: isValid && faulty === 0 && !isBroken })
      return
    }
    const last = Math.max(-1, ...serves)
    const fitting = steps.map((step) => fits(step, envelope, saved))
    for (const [step, doesFit] of fitting.entries()) {
      if (!doesFit || (scenario.order !== 'any' && step < last)) continue
      const after = serves.includes(step) ? saved : savedBy(steps[step]!, envelope, saved)
      go(at + 1, [...serves, step], after, isValid)
    }
    const mustServe = steps.some(({ count }, step) => fitting[step] && count.max < Number.POSITIVE_INFINITY)
    go(at + 1, [...serves, -1], saved, isValid && !mustServe && !isCounted(envelope.event))
  }

  go(0, [], new Map(), true)
  return found
}

function savedBy({ saves }: Expectation, envelope: Envelope, saved: Saved): Saved {
  if (saves.length === 0) return saved
  return new Map([...saved, ...saves.map(({ name, path }) => [name, valuesAt(path, envelope)[0]] as const)])
}
