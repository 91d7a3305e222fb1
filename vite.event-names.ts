/**
 * The event names of the catalogue for the client library, inserted while it is built: an EventSource delivers only names
 * that it was asked for, and the catalogue itself would bring its validators into the page.
 */
import { catalogue, type Entry } from './shared/src/catalogue.ts'
import { CONTROL, SNAPSHOT, UNSTORED } from './shared/src/protocol.ts'

/** Every name that a channel stream may carry, except those that clients post on topics. */
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
