/** Ids as positions in the log. */
import { parseCursor } from '../../../shared/src/cursor.ts'

/** Negative when `a` is before `b`. Ids of two epochs cannot be compared: then `a` counts as after, so that nothing is dropped. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0
  const left = parseCursor(a)
  const right = parseCursor(b)
  return left && right && left.epoch === right.epoch ? left.seq - right.seq : 1
}

/** The later one; `null` is before all. */
export function laterOf(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return compareIds(b, a) > 0 ? b : a
}

/** Of the same log, and not before. */
export function isAtOrAfter(a: string, b: string): boolean {
  return a.slice(0, 8) === b.slice(0, 8) && compareIds(a, b) >= 0
}
