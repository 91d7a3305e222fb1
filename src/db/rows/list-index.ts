/**
 * List indexes of ordered rows: cards in a column and columns on a board, in their database column `position`. They are
 * dense, 0 to n-1. When a row is inserted, removed or moved, one UPDATE shifts its neighbours: those from `first` to `last`
 * by `by`.
 */
export interface Shift {
  readonly first: number
  readonly last: number
  readonly by: 1 | -1
}

/** Beyond every list index. The largest INTEGER of PostgreSQL. */
const END = 2_147_483_647

export function insertionAt(index: number): Shift {
  return { first: index, last: END, by: 1 }
}

export function removalAt(index: number): Shift {
  return { first: index + 1, last: END, by: -1 }
}

/** For a move within one list; `to` is the list index after removal. */
export function moveBetween(from: number, to: number): Shift {
  return from < to ? { first: from + 1, last: to, by: -1 } : { first: to, last: from - 1, by: 1 }
}

/** The index from 0 to `last` that is nearest to the requested one; `last` when none was requested. */
export function clampIndex(index: number | undefined, last: number): number {
  return Math.min(Math.max(index ?? last, 0), last)
}
