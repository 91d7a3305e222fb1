/**
 * Who sees what: under which names a connection sees an event, and on which of its channels. The server asks this about
 * every event of the log. The client library asks it about every SSE event of the stream that its readers share. Both
 * take the routes from the catalogue; there is no second list of names, and no guessing from them.
 *
 *   routes of the event's type  --place-->  channels it shows on  --visible-->  names that one connection sees
 *
 * A name is seen once, on the channel that the client named first (K6). Events to everyone come after all channels; one
 * that concerns an agent is seen only by a connection that may see that agent.
 */
import { type ChannelKind, channelName } from './channels.ts'
import { EVERYONE } from './protocol.ts'

/** An event shows on the channels of a kind, under a name. */
export interface Route {
  /** The kind of channel, or `*` for every connection. */
  readonly channel: ChannelKind | typeof EVERYONE
  /** The wire name. */
  readonly event: string
  /** The field of the payload that has the channel's id; null there: not shown. None for kinds that are one channel. */
  readonly field?: string | undefined
  readonly when?: Condition
  /** Only in this view of a board. */
  readonly view?: 'diff'
  /** Nothing is shown; what else the route says still holds. */
  readonly silent?: true
  /**
   * Of an event to everyone: the things that it concerns, as kinds of channels with the fields of their ids. It is shown
   * only to a connection that may see one of them. None: it is shown to all.
   */
  readonly concerns?: Concerns
}

export type Concerns = Readonly<Partial<Record<ChannelKind, string>>>

/** On fields of the payload: all are null, or two differ. */
export type Condition = { readonly areNull: readonly string[] } | { readonly differ: readonly [string, string] }

/** One channel that an event shows on. */
export interface Placement<R extends Route = Route> {
  /** The channel's name, or `*`. */
  readonly channel: string
  readonly destination: R
  /** Of an event to everyone: only who may see one of these channels sees it. */
  readonly concerns?: readonly string[] | undefined
}

/** An event under one name, as a connection sees it. */
export interface Visible<R extends Route = Route> {
  readonly channel: string
  readonly event: string
  /** null: on `global`, where every event shows under its domain name. */
  readonly destination: R | null
  readonly rank: number
}

/** What a connection is subscribed to. */
export interface Subscribed {
  /** The index of a channel among those that it named; undefined: not among them. */
  rankOf(channel: string): number | undefined
  /** Of the channel with this rank. */
  viewOf(rank: number): 'full' | 'diff' | undefined
  /** The type filter. */
  passes(event: string): boolean
  /** Whether the connection's subject has a right to the channel, subscribed or not; undefined: to all of them. */
  readonly maySee?: ((channel: string) => boolean) | undefined
}

type Payload = Readonly<Record<string, unknown>>

/** Where an event with this payload shows, in the order of its routes. */
export function place<R extends Route>(routes: readonly R[], payload: Payload): Placement<R>[] {
  const placements: Placement<R>[] = []
  for (const route of routes) {
    if (route.when && !holds(route.when, payload)) continue
    const channel = channelOf(route, payload)
    if (channel === null) continue
    placements.push({ channel, destination: route, concerns: route.concerns && concernedBy(route.concerns, payload) })
  }
  return placements
}

/**
 * The names under which a connection sees an event. `onGlobal`: its domain name; null where it does not show on `global`.
 * `posted`: the name of an event that a client posted, which it has on every channel.
 */
export function visible<R extends Route>(
  placements: readonly Placement<R>[],
  onGlobal: string | null,
  posted: string | null,
  subscribed: Subscribed,
): readonly Visible<R>[] {
  let seen: Visible<R>[] | null = null
  const { maySee } = subscribed
  for (const { channel, destination, concerns } of placements) {
    if (destination.silent) continue
    if (maySee && concerns && !concerns.some(maySee)) continue
    const rank = channel === EVERYONE ? LAST : subscribed.rankOf(channel)
    if (rank === undefined || (destination.view && subscribed.viewOf(rank) !== destination.view)) continue
    const event = posted ?? destination.event
    if (!subscribed.passes(event)) continue
    const name = { channel, event, destination, rank }
    if (seen) addName(seen, name)
    else seen = [name]
  }
  const rank = onGlobal === null ? undefined : subscribed.rankOf('global')
  if (onGlobal !== null && rank !== undefined && subscribed.passes(onGlobal)) {
    const name = { channel: 'global', event: onGlobal, destination: null, rank }
    if (seen) addName(seen, name)
    else seen = [name]
  }
  return seen ?? NOTHING
}

export function holds(condition: Condition, payload: Payload): boolean {
  if ('areNull' in condition) return condition.areNull.every((field) => payload[field] === null)
  const [one, other] = condition.differ
  return payload[one] !== payload[other]
}

function channelOf({ channel, field }: Route, payload: Payload): string | null {
  if (field === undefined) return channel
  const id = payload[field]
  return typeof id === 'string' && channel !== EVERYONE ? channelName(channel, id) : null
}

function concernedBy(concerns: Concerns, payload: Payload): string[] {
  return Object.entries(concerns).flatMap(([kind, field]) => {
    const id = payload[field]
    return typeof id === 'string' ? [channelName(kind as ChannelKind, id)] : []
  })
}

/** Adds a name, unless a channel that was named earlier has it already. */
function addName<R extends Route>(seen: Visible<R>[], name: Visible<R>): void {
  const at = seen.findIndex(({ event }) => event === name.event)
  const earlier = seen[at]
  if (!earlier) seen.push(name)
  else if (name.rank < earlier.rank) seen[at] = name
}

const LAST = Number.MAX_SAFE_INTEGER
const NOTHING: readonly never[] = []
