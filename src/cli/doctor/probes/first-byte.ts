/** How long the first bytes of a stream take. */
import { causeOf, timeOf } from '../findings/causes.ts'
import { type Finding, fail, ok, warn } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import { type Bench, PATIENCE_MS } from './bench.ts'

/** More than that, beyond two times what any answer takes, is slow. */
const SLOW_MS = 1_000

/** Events that come within this time come together. */
const TOGETHER_MS = 50

export interface FirstBytes {
  /** From the request to `hello`; undefined: it did not come before the end. */
  readonly helloMs: number | undefined
  /** It came together with what the server sent later: the next event, or the end. */
  readonly isWithMore: boolean
  /** What a plain request takes. */
  readonly answerMs: number
}

export async function probeFirstByte(bench: Bench): Promise<Finding> {
  const { main, answerMs, middle } = bench
  const hello = () => main.event('hello')
  await main.until(() => hello() !== undefined, PATIENCE_MS)
  const at = hello()?.at
  if (at !== undefined && at - main.askedAt > SLOW_MS) await main.until(() => false, TOGETHER_MS)
  const next = main.events[1]?.at ?? main.end?.at
  const isWithMore = at !== undefined && next !== undefined && next - at < TOGETHER_MS
  return judgeFirstBytes({ helloMs: at && at - main.askedAt, isWithMore, answerMs }, middle)
}

export function judgeFirstBytes({ helloMs, isWithMore, answerMs }: FirstBytes, middle: Middle): Finding {
  const measured = { ms: helloMs === undefined ? null : Math.round(helloMs) }
  if (helloMs !== undefined && helloMs <= SLOW_MS + 2 * answerMs) return ok(measured, `after ${timeOf(helloMs)}`)
  if (helloMs === undefined || isWithMore) {
    const came =
      helloMs === undefined ? 'never came' : `came after ${timeOf(helloMs)}, together with what was sent later`
    return fail(measured, causeOf('holdsFirst', middle, `the first event, which the server sends at once, ${came}`))
  }
  return warn(measured, {
    culprit: `the beginning of a stream takes ${timeOf(helloMs)}, a plain request ${timeOf(answerMs)}`,
  })
}
