/**
 * A condition on an event. It is met if a value that its path leads to is accepted; `exists: false` if the path leads
 * nowhere. Values may depend on what earlier steps saved.
 */

import { type Comparison, type ComparisonOperator, shown } from './comparison.ts'
import type { Envelope } from './envelope.ts'
import { type Path, valuesAt } from './path.ts'

/** The values that steps have saved, by name. */
export type Saved = ReadonlyMap<string, unknown>

export type Operator = ComparisonOperator | 'exists'

/** A condition held against one event, for reports. */
export interface Examined {
  readonly path: string
  readonly op: Operator
  /** JSON. */
  readonly expected: unknown
  /** `expected` for people, with the operator. */
  readonly phrase: string
  /** JSON; with `[*]` an array of all values. Missing if the path leads nowhere. */
  readonly received?: unknown
  readonly met: boolean
}

export interface Condition {
  /** For people, on one line. */
  readonly text: string
  readonly path: string
  /** The names of the saved values that it needs. */
  readonly uses: readonly string[]
  /** Why no event can meet it, for conditions that are valid but hardly meant. */
  readonly warning?: string
  /** False while a value that it needs has not been saved. */
  isMet(envelope: Envelope, saved: Saved): boolean
  examine(envelope: Envelope, saved: Saved): Examined
  /** What is asked for, without an event. */
  phrase(saved: Saved): string
}

/** A comparison with something that is known only when the values of `uses` are. */
export interface Later {
  readonly uses: readonly string[]
  readonly op: ComparisonOperator
  /** As it was written. */
  readonly written: unknown
  comparison(saved: Saved): Comparison
}

export function exists(path: Path, isExpected: boolean): Condition {
  const phrase = isExpected ? 'present' : 'absent'
  const isMet = (envelope: Envelope) => valuesAt(path, envelope).length > 0 === isExpected
  return {
    text: isExpected ? path.text : `!${path.text}`,
    path: path.text,
    uses: [],
    isMet,
    phrase: () => phrase,
    examine: (envelope) => ({
      ...{ path: path.text, op: 'exists', expected: isExpected, phrase },
      ...received(path, envelope),
      met: isMet(envelope),
    }),
  }
}

/** `text` is as the user wrote it; without it the report's phrase is used. */
export function compares(path: Path, comparison: Comparison, text?: string): Condition {
  const isMet = (envelope: Envelope) => valuesAt(path, envelope).some((value) => comparison.accepts(value))
  const { op, expected, phrase } = comparison
  return {
    text: text ?? `${path.text} ${op === 'equals' ? '= ' : ''}${phrase}`,
    path: path.text,
    uses: [],
    ...(comparison.isImpossible && { warning: `nothing is ${phrase}: only numbers and ISO times are compared` }),
    isMet,
    phrase: () => phrase,
    examine: (envelope) => ({
      ...{ path: path.text, op, expected, phrase },
      ...received(path, envelope),
      met: isMet(envelope),
    }),
  }
}

export function comparesLater(path: Path, later: Later): Condition {
  // Values are saved once and held against many events.
  const made = new WeakMap<Saved, Condition>()
  const conditionFor = (saved: Saved): Condition | undefined => {
    if (!later.uses.every((name) => saved.has(name))) return undefined
    const known = made.get(saved) ?? compares(path, later.comparison(saved))
    made.set(saved, known)
    return known
  }
  const written = later.op === 'equals' ? shown(later.written) : `${later.op} ${shown(later.written)}`
  const unknown = (saved: Saved) => {
    const missing = later.uses.filter((name) => !saved.has(name)).map((name) => `$${name}`)
    return `${written}, and nothing was saved as ${missing.join(' and ')}`
  }
  return {
    text: `${path.text} ${later.op === 'equals' ? '= ' : ''}${written}`,
    path: path.text,
    uses: later.uses,
    isMet: (envelope, saved) => conditionFor(saved)?.isMet(envelope, saved) ?? false,
    phrase: (saved) => conditionFor(saved)?.phrase(saved) ?? unknown(saved),
    examine: (envelope, saved) =>
      conditionFor(saved)?.examine(envelope, saved) ?? {
        ...{ path: path.text, op: later.op, expected: later.written, phrase: unknown(saved) },
        ...received(path, envelope),
        met: false,
      },
  }
}

function received(path: Path, envelope: Envelope): { received?: unknown } {
  const values = valuesAt(path, envelope)
  if (path.text.includes('[*]')) return { received: values }
  return values.length === 0 ? {} : { received: values[0] }
}
