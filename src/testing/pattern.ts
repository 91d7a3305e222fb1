/** What a test expects, as the engine of `boardcast expect` takes it. */
import { type Comparison, equals, shown } from '../expect/conditions/comparison.ts'
import { type Condition, compares } from '../expect/conditions/condition.ts'
import { keyPath, parsePath } from '../expect/conditions/path.ts'
import { type Count, NONE, ONE_OR_MORE, parseCount } from '../expect/scenario/count.ts'
import { type Expectation, expectation, type Order, type Scenario } from '../expect/scenario/scenario.ts'
import type { EventName } from './event-name.ts'

/** `2` is exactly two. */
export type PatternCount = number | `${number}+` | `${number}..${number}` | `..${number}`

export interface EventPattern {
  /** The name of the event on the channel; `*` stands for any characters, as in `card.*`. */
  readonly type: EventName
  readonly channel?: string
  /** The payload, as `toMatchObject` takes it: other fields may be there, and asymmetric matchers may be used. */
  readonly data?: object
  /** How many events; default one or more. */
  readonly count?: PatternCount
}

/** Whether a value matches as in `toMatchObject`. */
export type Likeness = (value: unknown, expected: unknown) => boolean

export function scenarioOf(patterns: readonly EventPattern[], order: Order, isLike: Likeness): Scenario {
  return { name: 'test', order, only: [], expectations: patterns.map((each) => expectationOf(each, isLike)) }
}

/** That no such event comes. With a count: that there are none of the events beyond what it allows. */
export function absenceOf(pattern: EventPattern, isLike: Likeness): Scenario {
  const expected = expectationOf({ ...pattern, count: 0 }, isLike)
  return { name: 'test', order: 'subset', only: [], expectations: [expected] }
}

/** Throws a TypeError for what is not a pattern. */
export function expectationOf({ type, channel, data, count }: EventPattern, isLike: Likeness): Expectation {
  if (typeof type !== 'string' || type === '') {
    throw new TypeError("a pattern needs the name of an event, such as { type: 'card_moved' }")
  }
  return expectation({
    type,
    count: countOf(count),
    conditions: [
      ...(channel === undefined ? [] : [compares(parsePath('@channel'), equals(channel))]),
      ...(data === undefined ? [] : conditionsOf([], data, isLike)),
    ],
  })
}

function countOf(count: PatternCount | undefined): Count {
  if (count === undefined) return ONE_OR_MORE
  if (count === 0) return NONE
  const parsed = parseCount(String(count))
  if (typeof parsed === 'string') throw new TypeError(`count: "${count}" ${parsed}`)
  return parsed
}

/** One condition for each value, so that reports mark those that are wrong. */
function conditionsOf(keys: readonly string[], value: unknown, isLike: Likeness): Condition[] {
  if (isPlainObject(value) && (keys.length === 0 || Object.keys(value).length > 0)) {
    return Object.entries(value).flatMap(([key, inner]) => conditionsOf([...keys, key], inner, isLike))
  }
  if (keys.length === 0) throw new TypeError('data must be an object')
  return [compares(keyPath(keys), like(value, isLike))]
}

function like(expected: unknown, isLike: Likeness): Comparison {
  const phrase = phraseOf(expected)
  return { op: 'equals', expected: phrase, phrase, accepts: (value) => isLike(value, expected) }
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** JSON, in which asymmetric matchers are shown as vitest shows them. */
function phraseOf(value: unknown): string {
  if (isAsymmetric(value)) return asymmetricPhrase(value)
  if (Array.isArray(value)) return `[${value.map(phraseOf).join(',')}]`
  if (isPlainObject(value)) {
    const fields = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${phraseOf(inner)}`)
    return `{${fields.join(',')}}`
  }
  return typeof value === 'object' && value !== null ? String(value) : shown(value)
}

interface Asymmetric {
  asymmetricMatch(value: unknown): boolean
  toAsymmetricMatcher?(): string
  readonly sample?: unknown
}

function isAsymmetric(value: unknown): value is Asymmetric {
  return typeof value === 'object' && value !== null && 'asymmetricMatch' in value
}

function asymmetricPhrase(matcher: Asymmetric): string {
  if (matcher.toAsymmetricMatcher) return matcher.toAsymmetricMatcher()
  return 'sample' in matcher ? `${matcher} ${phraseOf(matcher.sample)}` : String(matcher)
}
