/** The place from 0 to `last` that is nearest to the one that was asked for; `last` when none was. */
export function clampIndex(index: number | undefined, last: number): number {
  return Math.min(Math.max(index ?? last, 0), last)
}
