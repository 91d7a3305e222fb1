/** Frames on the wire: their shape, their names, and the order of their ids. */
import { parseCursor } from '../../../shared/src/cursor.ts'
import { CONTROL, SNAPSHOT, UNSTORED } from '../../../shared/src/protocol.ts'
import type { Frame } from './types.ts'

const NOT_STORED: ReadonlySet<string> = new Set([...Object.values(SNAPSHOT), ...Object.values(UNSTORED)])
const ABOUT_THE_STREAM: ReadonlySet<string> = new Set(Object.values(CONTROL))

/** Snapshots and ephemeral events: they are not in the log. */
export function isUnstored(event: string): boolean {
  return NOT_STORED.has(event)
}

/** Frames about the stream itself, such as `hello` and `heartbeat`. */
export function isControl(event: string): boolean {
  return ABOUT_THE_STREAM.has(event)
}

/** Undefined if the text is not a frame with this name. */
export function parseFrame(event: string, text: string): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(text)
    return isFrame(frame) && frame.event === event ? frame : undefined
  } catch {
    // The caller counts it as unreadable.
    return undefined
  }
}

/** Checks only the fields that the client itself depends on. */
export function isFrame(value: unknown): value is Frame {
  if (typeof value !== 'object' || value === null) return false
  const { channel, event, id } = value as Partial<Frame>
  return typeof channel === 'string' && typeof event === 'string' && typeof id === 'string' && 'data' in value
}

/** A field of a payload, whatever the payload is. */
export function fieldOf(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>)[name] : undefined
}

/**
 * Negative if `a` is before `b`. Ids of different epochs cannot be compared: then `a` counts as later, so that nothing is
 * dropped.
 */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0
  const left = parseCursor(a)
  const right = parseCursor(b)
  return left && right && left.epoch === right.epoch ? left.seq - right.seq : 1
}

export function isBefore(a: string, b: string): boolean {
  return compareIds(a, b) < 0
}

/** The later of two ids; `null` is before all. */
export function laterOf(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return compareIds(b, a) > 0 ? b : a
}

/** Whether `a` is of the same epoch as `b`, and not before it. */
export function isAtOrAfter(a: string, b: string): boolean {
  return a.slice(0, 8) === b.slice(0, 8) && compareIds(a, b) >= 0
}
