/** A verdict with what people need to understand it: one result for each expectation. */

import type { Examined } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import type { Finding, Judge, Verdict } from '../judge/judge.ts'
import { countPhrase } from '../scenario/count.ts'
import type { Expectation, Place, Scenario } from '../scenario/scenario.ts'
import { closestTo, examined, standsOut } from './closest.ts'

export interface Result {
  readonly name: string
  readonly isNameGiven: boolean
  readonly type: string
  readonly place?: Place
  readonly isMet: boolean
  /** What was asked for, such as `1 or more`. */
  readonly asked: string
  /** The events that serve it; for an absence, those that should not have come. */
  readonly matched: readonly Envelope[]
  /** What came of its type, such as `3 of that type came`. */
  readonly came: string
  /** If it is not met: what to look at. */
  readonly closest?: Closest
  /** The conditions without an event, for an expectation that is not met although no event came. */
  readonly conditions: ReadonlyArray<{ readonly path: string; readonly phrase: string }>
  /** In milliseconds since the beginning; undefined if it is not met, or was met only by what did not come. */
  readonly metAt?: number
}

export interface Closest {
  readonly envelope: Envelope
  /** Whether it should not have come, rather than that something like it should. */
  readonly isSurplus: boolean
  readonly conditions: readonly Examined[]
  /** What is wrong with it if it meets all conditions. */
  readonly note?: string
}

export interface SuiteResult {
  readonly scenario: Scenario
  readonly isMet: boolean
  readonly log: readonly Envelope[]
  readonly results: readonly Result[]
  /** Where its channels are not those of the whole run: the options with which `tail` shows them. */
  readonly tailOptions?: readonly string[]
}

export function suiteResult(scenario: Scenario, judge: Judge): SuiteResult {
  const verdict = judge.verdict()
  const results = verdict.findings.map((finding) => resultOf(finding, judge, verdict))
  return {
    scenario,
    isMet: verdict.isMet,
    log: judge.log,
    results: scenario.order === 'exact' ? [...results, nothingElse(scenario, judge, verdict)] : results,
  }
}

function resultOf(finding: Finding, judge: Judge, verdict: Verdict): Result {
  const { expectation: expected, fault, served } = finding
  const { log, arrivals } = judge
  const metAt =
    fault === undefined && expected.count.min > 0 ? arrivals[served[expected.count.min - 1] ?? -1] : undefined
  const closest = fault === undefined ? undefined : closestOf(finding, log, verdict)
  return {
    name: expected.name,
    isNameGiven: expected.isNameGiven,
    type: expected.type,
    ...(expected.place && { place: expected.place }),
    isMet: fault === undefined,
    asked: countPhrase(expected.count),
    matched: served.flatMap((index) => log[index] ?? []),
    came: cameText(finding, log),
    ...(closest && { closest }),
    conditions: expected.conditions.map((condition) => ({
      path: condition.path,
      phrase: condition.phrase(verdict.saved),
    })),
    ...(metAt !== undefined && { metAt }),
  }
}

function cameText({ expectation: expected, fault, served }: Finding, log: readonly Envelope[]): string {
  const count = log.filter(({ event }) => expected.hasType(event)).length
  const fitting =
    fault === undefined || served.length === 0 || served.length === count ? '' : `, ${served.length} that fit`
  return `${count === 0 ? 'none' : count} of that type came${fitting}`
}

function closestOf(finding: Finding, log: readonly Envelope[], verdict: Verdict): Closest | undefined {
  const { expectation: expected, fault, served } = finding
  if (fault === 'over') {
    const envelope = log[served[expected.count.max] ?? served.at(-1) ?? -1]
    return envelope && { envelope, isSurplus: true, conditions: examined(expected, envelope, verdict.saved) }
  }
  const index = closestTo(expected, log, verdict.saved, new Set(served))
  const envelope = index === undefined ? undefined : log[index]
  if (!envelope || index === undefined) return undefined
  const conditions = examined(expected, envelope, verdict.saved)
  const note = conditions.every(({ met }) => met) ? whyItDoesNotServe(index, finding, log, verdict) : undefined
  return { envelope, isSurplus: false, conditions, ...(note !== undefined && { note }) }
}

/** An event that fits, and still is not what is missing. */
function whyItDoesNotServe(
  index: number,
  { expectation: expected }: Finding,
  log: readonly Envelope[],
  { findings }: Verdict,
): string | undefined {
  const other = findings.find(
    ({ served, fault, expectation }) => fault !== 'over' && expectation.count.max > 0 && served.includes(index),
  )
  if (other) return `it serves "${other.expectation.name}", and each event serves one expectation`
  const at = findings.findIndex((finding) => finding.expectation === expected)
  const before = findings.slice(0, at).findLast(({ served, expectation }) => isLater(served, index, expectation))
  if (before) {
    return `it came too early: "${before.expectation.name}" comes first, and was met by ${idAt(log, before.served[0])}`
  }
  const after = findings
    .slice(at + 1)
    .find(({ served, expectation }) => expectation.count.min > 0 && (served[0] ?? index) < index)
  return (
    after &&
    `it came too late: "${after.expectation.name}" comes after it, and was met by ${idAt(log, after.served[0])}`
  )
}

function isLater(served: readonly number[], index: number, { count }: Expectation): boolean {
  return count.min > 0 && (served.at(-1) ?? -1) > index
}

function idAt(log: readonly Envelope[], index: number | undefined): string {
  return log[index ?? -1]?.id ?? 'no event'
}

/** What `exact` asks for beside its expectations. */
function nothingElse(scenario: Scenario, { log }: Judge, { strays, saved }: Verdict): Result {
  const steps = scenario.expectations.filter(({ count }) => count.max > 0)
  const types = [...new Set([...steps.map(({ type }) => type), ...scenario.only])].join(',')
  const first = log[strays[0] ?? -1]
  const nearest = first && standsOut(steps, first, saved)
  return {
    ...{ name: 'nothing else', isNameGiven: true, type: types, asked: 'exactly these' },
    isMet: strays.length === 0,
    matched: strays.flatMap((index) => log[index] ?? []),
    came: `${strays.length === 0 ? 'nothing' : strays.length} more came`,
    conditions: [],
    ...(first && {
      closest: { envelope: first, isSurplus: true, conditions: nearest ? examined(nearest, first, saved) : [] },
    }),
  }
}
