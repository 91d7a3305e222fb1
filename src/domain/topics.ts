/** Custom events that clients post on topics. Topics need not be created. The events are stored in the event log only. */
import { catalogue, type Destination, type EventPayload } from '../../shared/src/catalogue.ts'
import { CONTROL, RESERVED_EVENT_NAMES, SNAPSHOT, UNSTORED } from '../../shared/src/protocol.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { invalidField, Problem } from '../base/errors.ts'
import type { Tx } from '../db/store.ts'

/** Names with this prefix are reserved for events about the stream itself. */
const CONTROL_PREFIX = 'auth_'

/** Every event name that the server itself uses. */
const SERVER_NAMES: ReadonlySet<string> = new Set([
  ...[CONTROL, SNAPSHOT, UNSTORED].flatMap((names) => Object.values<string>(names)),
  ...Object.entries(catalogue).flatMap(([type, { to }]) => [type, ...to.map(({ event }: Destination) => event)]),
])

export interface TopicEvent {
  /** Matches `eventName`. */
  readonly event: string
  /** Any JSON; listeners get it unchanged. */
  readonly data: unknown
}

/** Throws `invalid_channel` for an invalid topic name, `validation_failed` for a reserved event name. */
export async function postTopicEvent(tx: Tx, topic: string, { event, data }: TopicEvent): Promise<void> {
  if (!externalId.safeParse(topic).success) {
    throw new Problem(
      'invalid_channel',
      `${JSON.stringify(topic)} cannot be the name of a topic: 1 to 200 letters, digits and : _ - . only.`,
    )
  }
  if (RESERVED_EVENT_NAMES.includes(event)) {
    throw invalidField('event', `must not be ${event}: browsers themselves fire events of that name`)
  }
  if (SERVER_NAMES.has(event) || event.startsWith(CONTROL_PREFIX)) {
    throw invalidField('event', `must not be ${event}: the server itself uses that name`)
  }
  tx.emit('topic.event', { topic, event, data: data as EventPayload<'topic.event'>['data'] })
}
