/**
 * A cursor is `<epoch>-<seq>`: the epoch is 8 lower-case hex digits drawn when the database is created, seq the sequence
 * number in its log, in decimal. It is the SSE `id`, the `Event-Id` of a reply, and where a listener stands.
 */
export interface Cursor {
  readonly epoch: string
  readonly seq: number
}

const CURSOR = /^([0-9a-f]{8})-(0|[1-9][0-9]{0,15})$/

export function formatCursor(epoch: string, seq: number): string {
  return `${epoch}-${seq}`
}

/** The cursor in `text`, or null if it is not a cursor. */
export function parseCursor(text: string): Cursor | null {
  const match = CURSOR.exec(text)
  if (!match?.[1] || !match[2]) return null
  const seq = Number(match[2])
  return Number.isSafeInteger(seq) ? { epoch: match[1], seq } : null
}

/** Negative if `a` is before `b`, 0 if equal, positive if after; null for cursors of two epochs. */
export function compareCursors(a: Cursor, b: Cursor): number | null {
  return a.epoch === b.epoch ? a.seq - b.seq : null
}
