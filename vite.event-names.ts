/**
 * The wire names that the page and the client library listen to, taken from the catalogue while it is built: an EventSource
 * shows only what it was asked for by name, and the catalogue itself would bring its validators into the page.
 */
import { catalogue, type Entry } from './shared/src/catalogue.ts'
import { CONTROL, EVERYONE, SNAPSHOT, UNSTORED } from './shared/src/protocol.ts'

const destinations = Object.values<Entry>(catalogue).flatMap(({ to }) => to)
const toEveryone = destinations.filter(({ channel }) => channel === EVERYONE)
/** The `full` view of a board: its changes come as `state`, so what only the `diff` view shows is not among them. */
const onBoard = destinations.filter(({ channel, view }) => channel === 'board' && view !== 'diff')

function names(snapshot: string, shown: typeof destinations): string {
  return JSON.stringify([...new Set([...Object.values(CONTROL), snapshot, ...shown.map(({ event }) => event)])])
}

/** Every name that a channel stream may carry, but those that clients post on topics. */
const onChannels = [
  ...Object.values(CONTROL),
  ...Object.values(SNAPSHOT),
  ...Object.values(UNSTORED),
  ...Object.entries<Entry>(catalogue).flatMap(([type, { to, isPosted }]) =>
    isPosted ? [] : [type, ...to.map(({ event }) => event)],
  ),
]

export const eventNames = {
  __BOARD_EVENTS__: names(SNAPSHOT.state, [...onBoard, ...toEveryone]),
  __WIRE_EVENTS__: JSON.stringify([...new Set(onChannels)]),
  __DASHBOARD_EVENTS__: names(SNAPSHOT.dashboardOverview, toEveryone),
}
