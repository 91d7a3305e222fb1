import type { Envelope } from '../cli/stream/envelope.ts'
import { textReport } from '../expect/report/text-report.ts'
import { fits } from '../expect/scenario/scenario.ts'
import { cover } from './coverage.ts'
import { likeness } from './likeness.ts'
import { type EventPattern, expectationOf, scenarioOf } from './pattern.ts'
import type { Received } from './received.ts'
import { judge } from './verdict.ts'

const WITHIN_MS = 2_000

/** The first event from `position` on that fits, and the position behind it. */
export async function nextEvent(
  stream: Received,
  position: number,
  pattern: EventPattern = { type: '*' },
  { within = WITHIN_MS }: { readonly within?: number } = {},
): Promise<{ event: Envelope; position: number }> {
  const one = { ...pattern, count: '1+' as const }
  const expected = expectationOf(one, likeness)
  const { isBefore, index } = stream.view
  const from = Math.max(position, index)
  const { suite, run } = await judge(stream, scenarioOf([one], 'subset', likeness), { within, index: from })
  const at = stream.events.findIndex(
    (envelope, index) => index >= from && !isBefore(envelope) && fits(expected, envelope, new Map()),
  )
  const event = stream.events[at]
  if (!event) throw new Error(textReport(suite, run))
  await cover(stream, [event])
  return { event, position: at + 1 }
}
