/** What is to be judged: expectations about one stream, in an order. */

import { globs, listOf } from '../../text/glob.ts'
import { type Condition, exists, type Saved } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import type { Path } from '../conditions/path.ts'
import { type Count, NONE, ONE_OR_MORE } from './count.ts'

export const ORDERS = ['subset', 'exact', 'any'] as const
/**
 * `subset`: the expected events come in this order, others may come between. `exact`: of the events whose type is named,
 * these alone. `any`: in any order.
 */
export type Order = (typeof ORDERS)[number]

export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
}

/** A value that a step takes from its first event, for the steps after it. */
export interface Save {
  readonly name: string
  readonly path: Path
  /** That there is a value. */
  readonly condition: Condition
}

export function save(name: string, path: Path): Save {
  return { name, path, condition: exists(path, true) }
}

export interface Expectation {
  readonly name: string
  /** Whether the name only repeats type and conditions. */
  readonly isNameGiven: boolean
  /** Globs, comma separated. */
  readonly type: string
  readonly count: Count
  readonly conditions: readonly Condition[]
  readonly saves: readonly Save[]
  readonly place?: Place
  hasType(event: string): boolean
}

export interface Scenario {
  readonly name: string
  readonly file?: string
  readonly board?: string
  readonly channels?: readonly string[]
  readonly since?: string
  readonly withinMs?: number
  readonly settleMs?: number
  readonly order: Order
  /** With `exact`: globs of further types that count. */
  readonly only: readonly string[]
  /** A command for a shell. */
  readonly run?: string
  /** Those of `expect`, then those of `never`; on the command line in the order given. */
  readonly expectations: readonly Expectation[]
}

export interface ExpectationParts {
  readonly name?: string | undefined
  readonly type: string
  readonly count?: Count | undefined
  readonly conditions?: readonly Condition[]
  readonly saves?: readonly Save[]
  readonly place?: Place
}

export function expectation(parts: ExpectationParts): Expectation {
  const { count = ONE_OR_MORE, conditions = [], saves = [], type } = parts
  const where = conditions.length === 0 ? '' : ` where ${conditions.map(({ text }) => text).join(', ')}`
  return {
    name: parts.name ?? `${count.max === 0 ? 'no ' : ''}${type}${where}`,
    isNameGiven: parts.name !== undefined,
    type,
    count,
    conditions,
    saves,
    ...(parts.place && { place: parts.place }),
    hasType: globs(listOf([type])),
  }
}

export function absence(parts: Omit<ExpectationParts, 'count' | 'saves'>): Expectation {
  return expectation({ ...parts, count: NONE })
}

/** The saved values that fitting depends on. */
export function usedBy({ conditions }: Expectation): readonly string[] {
  return conditions.flatMap(({ uses }) => uses)
}

/** Type, all conditions, and something at each path to save. */
export function fits(expected: Expectation, envelope: Envelope, saved: Saved): boolean {
  return (
    expected.hasType(envelope.event) &&
    expected.conditions.every((condition) => condition.isMet(envelope, saved)) &&
    expected.saves.every(({ condition }) => condition.isMet(envelope, saved))
  )
}

export function isBounded({ count }: Expectation): boolean {
  return count.max !== Number.POSITIVE_INFINITY
}
