/** Frames of a channel stream as they are on the wire: what they are, and what is in them. */
import { CONTROL, SNAPSHOT, UNSTORED } from '../../../shared/src/protocol.ts'
import type { RawFrame } from './transport.ts'
import type { Frame } from './types.ts'

const NOT_STORED: ReadonlySet<string> = new Set([...Object.values(SNAPSHOT), ...Object.values(UNSTORED)])
const ABOUT_THE_STREAM: ReadonlySet<string> = new Set(Object.values(CONTROL))

/** Rendered or said at one instant: it has no place in the log. */
export function isUnstored(event: string): boolean {
  return NOT_STORED.has(event)
}

export function isControl(event: string): boolean {
  return ABOUT_THE_STREAM.has(event)
}

/** Undefined for what cannot be read. */
export function parseFrame({ event, data }: RawFrame): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(data)
    return isFrame(frame) && frame.event === event ? frame : undefined
  } catch {
    // Counted by who asked.
    return undefined
  }
}

/** As far as the client itself depends on it. */
export function isFrame(value: unknown): value is Frame {
  if (typeof value !== 'object' || value === null) return false
  const { channel, event, id } = value as Partial<Frame>
  return typeof channel === 'string' && typeof event === 'string' && typeof id === 'string' && 'data' in value
}

/** A field of a payload, whatever the payload is. */
export function fieldOf(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>)[name] : undefined
}
