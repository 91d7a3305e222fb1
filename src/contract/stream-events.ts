/** What streams send besides the events of the catalogue: control events, snapshots, and ephemeral events. */
import * as z from 'zod'
import { exampleCursor, exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { CONTROL, type ControlEvent, HEARTBEAT_MS, RETRY_MS, SNAPSHOT, UNSTORED } from '../../shared/src/protocol.ts'
import { overview } from '../../shared/src/types/dashboard.ts'
import { connectionId, cursor } from '../../shared/src/types/ids.ts'
import { boardState } from '../../shared/src/types/kanban.ts'
import { metrics } from '../../shared/src/types/metrics.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { timestamp } from '../../shared/src/types/time.ts'
import { exampleOverview, exampleState } from '../routes/examples.ts'
import { exampleMetrics } from '../routes/metrics.ts'

export interface StreamEvent {
  readonly summary: string
  readonly schema: z.ZodType
  readonly example: Readonly<Record<string, unknown>>
}

const retryMs = z.int().min(1)

export const controlEvents: Readonly<Record<ControlEvent, StreamEvent>> = {
  hello: {
    summary: 'Opens every stream.',
    schema: z.strictObject({
      serverTime: timestamp,
      connectionId,
      resumed: z.boolean(),
      heartbeatMs: z.int().min(1),
    }),
    example: {
      serverTime: exampleTime,
      connectionId: '0192f3a4-5b6c-7d8e-9f00-0000000000c2',
      resumed: false,
      heartbeatMs: HEARTBEAT_MS,
    },
  },
  heartbeat: {
    summary: 'Shows that the connection works, with the newest id.',
    schema: z.strictObject({ ts: timestamp }),
    example: { ts: exampleTime },
  },
  gap: {
    summary: 'Events between the cursor and this stream are missing; fresh state follows.',
    schema: z.strictObject({
      requested: z.string(),
      oldest: cursor,
      reason: z.enum(['trimmed', 'epoch', 'invalid', 'slow']),
    }),
    example: { requested: '5f3a9c1e-7', oldest: exampleCursor, reason: 'trimmed' },
  },
  draining: {
    summary: 'The server shuts down; reconnect after this time.',
    schema: z.strictObject({ retryMs }),
    example: { retryMs: RETRY_MS },
  },
  overloaded: {
    summary: 'There are too many streams, or the server cannot work at the moment; reconnect after this time.',
    schema: z.strictObject({ retryMs }),
    example: { retryMs: RETRY_MS },
  },
  auth_expiring: {
    summary: 'The credential of the stream lapses at this time.',
    schema: z.strictObject({ expiresAt: timestamp }),
    example: { expiresAt: exampleTime },
  },
  auth_expired: {
    summary: 'The credential of the stream has lapsed, and the stream ends.',
    schema: z.strictObject({}),
    example: {},
  },
}

/**
 * Which fields an event has beside its data: `always`, `never`, or as it comes. No listener may resume from a control
 * event, except from `hello` and `heartbeat`; some have the time to come back after.
 */
export function extraFields(event: string | null): { readonly id: Presence; readonly retry: Presence } {
  if (event === null || !Object.hasOwn(controlEvents, event)) return { id: 'sometimes', retry: 'never' }
  return {
    id: event === CONTROL.hello ? 'sometimes' : event === CONTROL.heartbeat ? 'always' : 'never',
    retry: WITH_RETRY.has(event) ? 'always' : 'never',
  }
}

export type Presence = 'always' | 'sometimes' | 'never'
const WITH_RETRY: ReadonlySet<string> = new Set([CONTROL.hello, CONTROL.draining, CONTROL.overloaded])

export interface UnstoredEvent extends StreamEvent {
  readonly event: string
  readonly channels: readonly ChannelKind[]
  /** The channel in the example of its envelope. */
  readonly exampleChannel: string
}

/** Snapshots, rendered from the database, and what is sent to those who listen at the moment. */
export const unstoredEvents: readonly UnstoredEvent[] = [
  {
    event: SNAPSHOT.state,
    summary: 'A whole board at one instant.',
    channels: ['board'],
    exampleChannel: `board:${exampleIds.board}`,
    schema: boardState,
    example: exampleState,
  },
  {
    event: SNAPSHOT.dashboardOverview,
    summary: 'The overview of all boards at one instant.',
    channels: ['dashboard'],
    exampleChannel: 'dashboard',
    schema: overview,
    example: exampleOverview,
  },
  {
    event: SNAPSHOT.metricUpdate,
    summary: 'The figures of the service, every 5 seconds.',
    channels: ['metrics'],
    exampleChannel: 'metrics',
    schema: metrics,
    example: exampleMetrics,
  },
  {
    event: UNSTORED.agentHeartbeat,
    summary: 'An agent has shown a sign of life.',
    channels: ['agent', 'global'],
    exampleChannel: `agent:${exampleIds.agent}`,
    schema: z.strictObject({ agent_id: externalId, timestamp: z.int() }),
    example: { agent_id: exampleIds.agent, timestamp: Date.parse(exampleTime) },
  },
]
