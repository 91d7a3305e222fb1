/** The matchers, registered for the `expect` of the test file that imports them. */
import { expect, type MatcherState } from 'vitest'
import { unknownNames } from '../cli/stream/unknown-names.ts'
import type { SuiteResult } from '../expect/report/result.ts'
import type { Run } from '../expect/report/run.ts'
import { metText, textReport } from '../expect/report/text-report.ts'
import type { Order, Scenario } from '../expect/scenario/scenario.ts'
import { listOf } from '../text/glob.ts'
import { checkContract } from './check-contract.ts'
import type { Checked } from './checked.ts'
import { cover } from './coverage.ts'
import { checkGaps } from './gap-free.ts'
import { likeness } from './likeness.ts'
import { absenceOf, type EventPattern, scenarioOf } from './pattern.ts'
import type { Received } from './received.ts'
import { receivedOn } from './stream.ts'
import { type Judged, judge } from './verdict.ts'

export interface ReceiveOptions {
  /** In milliseconds: how long to wait for what is missing. Default 2,000; with `not`, 250, and it always waits so long. */
  readonly within?: number
}

export interface ReceiveAllOptions extends ReceiveOptions {
  /**
   * `subset` (default): in this order, other events may come between. `exact`: of the events whose name is in a pattern,
   * these alone. `any`: in any order.
   */
  readonly order?: Order
}

export interface StreamMatchers {
  /** An event that fits has come since the stream was opened or marked, or comes in time. */
  toReceiveEvent(pattern: EventPattern, options?: ReceiveOptions): Promise<void>
  /** As `toReceiveEvent`, for several; each event serves one pattern. */
  toReceiveEvents(patterns: readonly EventPattern[], options?: ReceiveAllOptions): Promise<void>
  /** No event was lost, repeated or out of order between the stream's first event and its last. */
  toBeGapFree(): Promise<void>
  /** Every frame so far, control frames too, is as the contract of its server says. */
  toMatchContract(): Promise<void>
}

declare module 'vitest' {
  interface Matchers<T> extends StreamMatchers {}
}

const WITHIN_MS = 2_000
const NOT_WITHIN_MS = 250

interface Result {
  readonly pass: boolean
  readonly message: () => string
}

expect.extend({
  async toReceiveEvent(this: MatcherState, value: unknown, pattern: EventPattern, options: ReceiveOptions = {}) {
    const received = streamIn(value, 'toReceiveEvent')
    if (this.isNot && pattern.count === undefined) return hasNone(received, pattern, options)
    return receives(received, scenarioOf([pattern], 'subset', likeness), options, this.isNot)
  },

  async toReceiveEvents(
    this: MatcherState,
    value: unknown,
    patterns: readonly EventPattern[],
    { order = 'subset', ...options }: ReceiveAllOptions = {},
  ) {
    const received = streamIn(value, 'toReceiveEvents')
    return receives(received, scenarioOf(patterns, order, likeness), options, this.isNot)
  },

  async toBeGapFree(value: unknown) {
    return resultOf(await checkGaps(streamIn(value, 'toBeGapFree')))
  },

  async toMatchContract(value: unknown) {
    const received = streamIn(value, 'toMatchContract')
    const { faults, checked, ...texts } = await checkContract(received)
    if (faults === 0) await cover(received, checked)
    return resultOf({ faults, ...texts })
  },
})

async function receives(
  received: Received,
  scenario: Scenario,
  { within }: ReceiveOptions,
  isNot: boolean,
): Promise<Result> {
  if (isNot) {
    const judged = await judge(received, scenario, { within: within ?? NOT_WITHIN_MS, waits: true })
    throwIfDoubtful(judged)
    const { suite, run } = judged
    return { pass: suite.isMet, message: () => metText(suite, run) }
  }
  const { suite, run, doubt } = await judge(received, scenario, { within: within ?? WITHIN_MS })
  const pass = suite.isMet && doubt === undefined
  const served = suite.results.flatMap(({ matched }) => matched)
  if (pass) await cover(received, served)
  return { pass, message: () => reportOf(suite, run, received) }
}

/** With `not`: passes, and so fails the test, when one comes. */
async function hasNone(received: Received, pattern: EventPattern, { within }: ReceiveOptions): Promise<Result> {
  for (const warning of unknownNames([pattern.type], received.channels)) process.stderr.write(`boardcast: ${warning}\n`)
  const scenario = absenceOf(pattern, likeness)
  const judged = await judge(received, scenario, { within: within ?? NOT_WITHIN_MS, waits: true })
  throwIfDoubtful(judged)
  const { suite, run } = judged
  return { pass: !suite.isMet, message: () => textReport(suite, run).trimEnd() }
}

/** Events that were lost, or did not arrive, say nothing about what did not come. */
function throwIfDoubtful({ suite, run, doubt }: Judged): void {
  if (doubt === undefined) return
  throw new Error(textReport(suite, run).trimEnd())
}

/** Names that no event can have are the likeliest reason. */
function reportOf(suite: SuiteResult, run: Run, { channels }: Received): string {
  const missing = suite.results.filter(({ isMet, matched }) => !isMet && matched.length === 0)
  const unknown = unknownNames(
    missing.flatMap(({ type }) => listOf([type])),
    channels,
  )
  return [textReport(suite, run).trimEnd(), ...unknown.map((sentence) => `  ${sentence}`)].join('\n')
}

function resultOf({ faults, broken, sound }: Checked): Result {
  return { pass: faults === 0, message: () => (faults === 0 ? sound : broken) }
}

function streamIn(value: unknown, matcher: string): Received {
  const received = receivedOn(value)
  if (!received) throw new TypeError(`expect(…).${matcher}() takes a stream from openStream()`)
  return received
}
