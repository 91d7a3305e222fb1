/**
 * Conditions for queries that return only what a subject may see. The rights are patterns of channels; here they are the
 * ids of one kind that these match (IdRange). Ids compare by their bytes, as patterns do.
 */
import type { ChannelPatterns, IdRange } from '../../base/channel-patterns.ts'
import type { SqlValue } from '../sql.ts'

export interface Condition {
  readonly text: string
  readonly params: readonly SqlValue[]
}

/** Lists of parameters are filled up to one of these sizes, so that there are few query texts: each stays prepared. */
const SIZES = [0, 4, 16, 64, 256, 1024] as const

/** That the column has one of the ids; null, which `where` leaves out, if all are in the range. */
export function within(column: string, range: IdRange): Condition | null {
  if (range.all) return null
  const ids = filled(range.ids)
  const prefixes = filled(range.prefixes)
  const terms = [
    ...(ids.length > 0 ? [`${column} IN (${ids.map(() => '?').join(', ')})`] : []),
    ...prefixes.map(() => `(${column} >= ? AND ${column} < ?)`),
  ]
  return {
    text: terms.length === 0 ? '1 = 0' : `(${terms.join(' OR ')})`,
    params: [...ids, ...prefixes.flatMap((prefix) => [prefix, prefix === null ? null : after(String(prefix))])],
  }
}

/** That the column names a board of the range. Boards are few: each row is then looked up among those that match. */
export function onBoard(column: string, boards: IdRange): Condition | null {
  const condition = within('id', boards)
  return condition && { ...condition, text: `${column} IN (SELECT id FROM boards WHERE ${condition.text})` }
}

/** That `board_id` names a board that `sees` matches, or is null and `sees` matches the channel of what is on no board. */
export function onBoardOr(other: 'global', sees: ChannelPatterns): Condition | null {
  const board = within('board_id', sees.idsOf('board'))
  const hasOther = sees.matches(other)
  // A range of all boards says nothing about what is on none.
  if (!board) return hasOther ? null : { text: 'board_id IS NOT NULL', params: [] }
  return hasOther ? anyOf(board, { text: 'board_id IS NULL', params: [] }) : board
}

/**
 * For a query that asks about boards in several places: a common table for its WITH clause, and the condition on `board_id`
 * that refers to it. The parameters belong to the table.
 */
export function boardsOf(boards: IdRange): { table: string; condition: string; params: readonly SqlValue[] } {
  const range = within('id', boards)
  if (!range) return { table: '', condition: '', params: [] }
  return {
    table: `seen (id) AS (SELECT id FROM boards WHERE ${range.text}),`,
    condition: 'AND board_id IN (SELECT id FROM seen)',
    params: range.params,
  }
}

/** Any of the conditions; null if one is null: then nothing is left out. */
export function anyOf(...conditions: readonly (Condition | null)[]): Condition | null {
  const params: SqlValue[] = []
  const texts: string[] = []
  for (const condition of conditions) {
    if (condition === null) return null
    texts.push(condition.text)
    params.push(...condition.params)
  }
  return { text: `(${texts.join(' OR ')})`, params }
}

/** A condition with one parameter; null if there is no value to compare with. */
export function equals(column: string, value: SqlValue | undefined): Condition | null {
  return value === undefined ? null : { text: `${column} = ?`, params: [value] }
}

/** All of the conditions, as a clause that begins with `keyword`; empty without any. */
export function clause(keyword: 'WHERE' | 'AND', ...conditions: readonly (Condition | null)[]): Condition {
  const given = conditions.filter((condition) => condition !== null)
  return {
    text: given.length === 0 ? '' : `${keyword} ${given.map(({ text }) => text).join(' AND ')}`,
    params: given.flatMap(({ params }) => params),
  }
}

/** Filled up with null, which nothing equals and which is before and after nothing. */
function filled(values: readonly string[]): readonly SqlValue[] {
  const size = SIZES.find((one) => one >= values.length) ?? values.length
  return [...values, ...Array<null>(size - values.length).fill(null)]
}

/** The first text after all that begin with `prefix`. */
function after(prefix: string): string {
  const last = prefix.length - 1
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1)
}
