/**
 * The event names that the client library listens to. The build takes them from the catalogue: an EventSource only
 * delivers events that it listens to by name, and importing the catalogue would bundle its validators.
 */
import { catalogue, type Entry } from './shared/src/catalogue.ts'
import { CONTROL, SNAPSHOT, UNSTORED } from './shared/src/protocol.ts'

/** Every name that a channel stream may carry, except those of topic events. */
const onChannels = [
  ...Object.values(CONTROL),
  ...Object.values(SNAPSHOT),
  ...Object.values(UNSTORED),
  ...Object.entries<Entry>(catalogue).flatMap(([type, { to, isPosted }]) =>
    isPosted ? [] : [type, ...to.map(({ event }) => event)],
  ),
]

export const eventNames = {
  __WIRE_EVENTS__: JSON.stringify([...new Set(onChannels)]),
}
