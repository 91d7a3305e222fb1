/**
 * Rows of a list carry dense positions, 0 to n-1. When one goes in, out or elsewhere, its neighbours make way in one
 * UPDATE: those from `first` to `last` move `by` one.
 */
export interface Shift {
  readonly first: number
  readonly last: number
  readonly by: 1 | -1
}

/** Beyond every position, and the largest INTEGER of PostgreSQL. */
const END = 2_147_483_647

export function insertionAt(index: number): Shift {
  return { first: index, last: END, by: 1 }
}

export function removalAt(index: number): Shift {
  return { first: index + 1, last: END, by: -1 }
}

/** Within one list; `to` is the index after removal. */
export function moveBetween(from: number, to: number): Shift {
  return from < to ? { first: from + 1, last: to, by: -1 } : { first: to, last: from - 1, by: 1 }
}
