/** Events of clients' own, on topics that are there as soon as somebody names them. They live in the event log alone. */
import { catalogue, type Destination, type EventPayload } from '../../shared/src/catalogue.ts'
import { CONTROL, RESERVED_EVENT_NAMES, SNAPSHOT, UNSTORED } from '../../shared/src/protocol.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { invalidField, Problem } from '../base/errors.ts'
import type { Tx } from '../db/store.ts'

/** Frames about the stream, now and to come, are named so. */
const CONTROL_PREFIX = 'auth_'

/** Every name that this service itself puts on a frame. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  ...[CONTROL, SNAPSHOT, UNSTORED].flatMap((names) => Object.values<string>(names)),
  ...Object.entries(catalogue).flatMap(([type, { to }]) => [type, ...to.map(({ event }: Destination) => event)]),
])

export interface TopicEvent {
  /** Matches `eventName`. */
  readonly event: string
  /** Any JSON, passed on as it is. */
  readonly data: unknown
}

/** Throws `invalid_channel` for what cannot be a topic, `validation_failed` for a name that is not the clients' to use. */
export async function postTopicEvent(tx: Tx, topic: string, { event, data }: TopicEvent): Promise<void> {
  if (!externalId.safeParse(topic).success) {
    throw new Problem(
      'invalid_channel',
      `${JSON.stringify(topic)} cannot be the name of a topic: 1 to 200 letters, digits and : _ - . only.`,
    )
  }
  if (RESERVED_EVENT_NAMES.includes(event)) {
    throw invalidField('event', `must not be ${event}: browsers fire events of that name by themselves`)
  }
  if (OWN_NAMES.has(event) || event.startsWith(CONTROL_PREFIX)) {
    throw invalidField('event', `must not be ${event}: this service has events of its own by that name`)
  }
  tx.emit('topic.event', { topic, event, data: data as EventPayload<'topic.event'>['data'] })
}
