/** What a condition asks of a value: one comparison for each operator. */
import { jsonEqual } from './json-equal.ts'

export const COMPARISON_OPERATORS = [
  'equals',
  'not',
  'matches',
  'notMatches',
  'lt',
  'lte',
  'gt',
  'gte',
  'contains',
  'oneOf',
] as const
export type ComparisonOperator = (typeof COMPARISON_OPERATORS)[number]

export type Ordering = 'lt' | 'lte' | 'gt' | 'gte'

export interface Comparison {
  readonly op: ComparisonOperator
  /** JSON, for reports: a regular expression as its text. */
  readonly expected: unknown
  /** For people: `<= 0`, `one of ["a","b"]`. */
  readonly phrase: string
  /** No value at all is accepted, which is hardly what was meant. */
  readonly isImpossible?: boolean
  accepts(value: unknown): boolean
}

/** `alternatives` are the values that count as equal to `expected`. */
export function equals(expected: unknown, alternatives: readonly unknown[] = [expected]): Comparison {
  return {
    op: 'equals',
    expected,
    phrase: alternatives.map(shown).join(' or '),
    accepts: (value) => alternatives.some((one) => jsonEqual(one, value)),
  }
}

export function oneOf(values: readonly unknown[]): Comparison {
  return {
    op: 'oneOf',
    expected: values,
    phrase: `one of ${shown(values)}`,
    accepts: (value) => values.some((one) => jsonEqual(one, value)),
  }
}

/** An array that has the element, or a text that has the part. */
export function contains(part: unknown): Comparison {
  return {
    op: 'contains',
    expected: part,
    phrase: `contains ${shown(part)}`,
    accepts: (value) =>
      Array.isArray(value)
        ? value.some((element) => jsonEqual(element, part))
        : typeof value === 'string' && typeof part === 'string' && value.includes(part),
  }
}

/** Texts, and numbers and booleans as they are written in JSON. */
export function matches(pattern: RegExp): Comparison {
  return {
    op: 'matches',
    expected: String(pattern),
    phrase: `matches ${pattern}`,
    accepts: (value) => {
      pattern.lastIndex = 0 // a sticky pattern would go on where it stopped at another event
      return isScalar(value) && pattern.test(String(value))
    },
  }
}

/** Accepts every value that `comparison` does not accept. */
export function opposite(comparison: Comparison, op: 'not' | 'notMatches'): Comparison {
  return {
    op,
    expected: comparison.expected,
    phrase: op === 'not' ? `not ${comparison.phrase}` : `does not match ${comparison.expected}`,
    accepts: (value) => !comparison.accepts(value),
  }
}

const SIGN: Readonly<Record<Ordering, string>> = { lt: '<', lte: '<=', gt: '>', gte: '>=' }
const IS_ORDERED: Readonly<Record<Ordering, (difference: number) => boolean>> = {
  lt: (difference) => difference < 0,
  lte: (difference) => difference <= 0,
  gt: (difference) => difference > 0,
  gte: (difference) => difference >= 0,
}

/** Numbers with numbers, ISO times with ISO times. Values of other kinds are never accepted. */
export function ordered(op: Ordering, bound: unknown): Comparison {
  return {
    op,
    expected: bound,
    phrase: `${SIGN[op]} ${shown(bound)}`,
    isImpossible: typeof bound !== 'number' && timeIn(bound) === undefined,
    accepts: (value) => {
      const [from, to] =
        typeof bound === 'number' && typeof value === 'number' ? [value, bound] : [timeIn(value), timeIn(bound)]
      return from !== undefined && to !== undefined && IS_ORDERED[op](from - to)
    },
  }
}

export function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined'
}

const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?<zone>Z|[+-]\d\d:\d\d)?)?$/

/** In milliseconds. A time without a zone is in UTC, so that the verdict is the same everywhere. */
function timeIn(value: unknown): number | undefined {
  const match = typeof value === 'string' ? ISO_TIME.exec(value) : null
  if (!match) return undefined
  const isComplete = match[0].length === 'yyyy-mm-dd'.length || match.groups?.zone !== undefined
  const ms = Date.parse(isComplete ? match[0] : `${match[0]}Z`)
  return Number.isNaN(ms) ? undefined : ms
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
