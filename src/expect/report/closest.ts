/** The event that comes nearest to an expectation that is not met. */

import { listOf } from '../../text/glob.ts'
import { shown } from '../conditions/comparison.ts'
import type { Examined, Saved } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import type { Expectation } from '../scenario/scenario.ts'

/**
 * The index of the closest event: one of its type before one of its family (`card` of `card.created`), then the one that
 * meets the most conditions, then the newest. Undefined if there are only events that serve it.
 */
export function closestTo(
  expected: Expectation,
  log: readonly Envelope[],
  saved: Saved,
  served: ReadonlySet<number>,
): number | undefined {
  const families = new Set(listOf([expected.type]).map(familyOf))
  let best: number | undefined
  let bestScore = -1
  for (const [index, envelope] of log.entries()) {
    if (served.has(index)) continue
    const met = expected.conditions.filter((condition) => condition.isMet(envelope, saved)).length
    const kind = expected.hasType(envelope.event) ? 2 : families.has(familyOf(envelope.event)) ? 1 : 0
    const score = kind * (expected.conditions.length + 1) + met
    if (score >= bestScore) {
      best = index
      bestScore = score
    }
  }
  return best
}

/** The conditions held against the event; before them the type and the values to save, if the event lacks them. */
export function examined(expected: Expectation, envelope: Envelope, saved: Saved): Examined[] {
  const conditions = expected.conditions.map((condition) => condition.examine(envelope, saved))
  const unsaved = expected.saves.map(({ condition }) => condition.examine(envelope, saved)).filter(({ met }) => !met)
  if (expected.hasType(envelope.event)) return [...conditions, ...unsaved]
  const type: Examined = {
    ...{ path: '@event', op: 'equals', expected: expected.type, phrase: expected.type },
    ...{ received: envelope.event, met: false },
  }
  return [type, ...conditions, ...unsaved]
}

/** The expectation of the event's type of which it meets the most conditions, in proportion. */
export function standsOut(expectations: readonly Expectation[], envelope: Envelope, saved: Saved) {
  const share = ({ conditions }: Expectation) =>
    conditions.length === 0 ? 1 : conditions.filter((one) => one.isMet(envelope, saved)).length / conditions.length
  return expectations.filter((one) => one.hasType(envelope.event)).toSorted((a, b) => share(b) - share(a))[0]
}

/** `card` of `card.created`, `card_created` and `card.*`; of a name that begins with a star nothing that a name has. */
function familyOf(name: string): string {
  return /^[^._]*/.exec(name)?.[0] ?? name
}

/** What was received, for people: everything, in JSON. */
export function receivedText(condition: Examined): string {
  return 'received' in condition ? shown(condition.received) : 'nothing'
}
