/** What a channel stream carries, in the one shape that every command works with. */
import { compareCursors, parseCursor } from '../../../shared/src/cursor.ts'
import { CONTROL, SNAPSHOT, UNSTORED } from '../../../shared/src/protocol.ts'
import type { Envelope } from '../../expect/conditions/envelope.ts'

export type { Envelope }

const CONTROLS: ReadonlySet<string> = new Set(Object.values(CONTROL))
const SNAPSHOTS: ReadonlySet<string> = new Set(Object.values(SNAPSHOT))
const EPHEMERAL: ReadonlySet<string> = new Set(Object.values(UNSTORED))

/** Frames about the connection itself. */
export function isControl(event: string): boolean {
  return CONTROLS.has(event)
}

export function isSnapshot(event: string): boolean {
  return SNAPSHOTS.has(event)
}

/** Sent to those who listen at that moment. It has the newest id, but no place in the log. */
export function isEphemeral(event: string): boolean {
  return EPHEMERAL.has(event)
}

export function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null) return false
  const { channel, event, id, timestamp } = value as Partial<Envelope>
  const areTexts = [channel, event, id].every((field) => typeof field === 'string')
  return areTexts && typeof timestamp === 'number' && 'data' in value
}

/** Whether everything up to `id` is included in what `cursor` includes. Ids of different epochs never are. */
export function includes(cursor: string | undefined, id: string): boolean {
  const [at, wanted] = [parseCursor(cursor ?? ''), parseCursor(id)]
  const order = at && wanted ? compareCursors(at, wanted) : null
  return order !== null && order >= 0
}

/** The fields in the order of the server's envelopes. */
export function inOrder({ channel, event, data, timestamp, actor, topic, id }: Envelope): Envelope {
  return {
    channel,
    event,
    data,
    timestamp,
    ...(actor !== undefined && { actor }),
    id,
    ...(topic !== undefined && { topic }),
  }
}
