/**
 * Which channels of one connection show an event that the connection carried only once. The routes come from the catalogue,
 * and the decision is the server's (shared/src/visibility.ts).
 */
import { type Channel, parseChannel } from '../../../shared/src/channels.ts'
import { EVERYONE } from '../../../shared/src/protocol.ts'
import { place, type Route, visible } from '../../../shared/src/visibility.ts'
import { fieldOf } from './frames.ts'
import type { Frame } from './types.ts'

/** See vite.event-names.ts. */
declare const __EVENT_ROUTES__: ReadonlyArray<
  readonly [
    names: string,
    routes: ReadonlyArray<readonly [kind: Route['channel'], field?: string | null, areNull?: string[]]>,
  ]
>

/** Empty where the sources run without the build. */
const TABLE = typeof __EVENT_ROUTES__ === 'undefined' ? [] : __EVENT_ROUTES__

const ROUTES: ReadonlyMap<string, readonly Route[]> = new Map(
  TABLE.flatMap(([names, routes]) =>
    names.split(' ').map((event) => [
      event,
      routes.map(([channel, field, areNull]) => ({
        channel,
        event,
        field: field ?? undefined,
        ...(areNull && { when: { areNull } }),
      })),
    ]),
  ),
)

/** Every name of the catalogue, and those of frames that are not in the log. */
export const WIRE_NAMES: readonly string[] = [...ROUTES.keys()]

/** What clients post on topics has names of its own. */
const POSTED: readonly Route[] = [{ channel: 'global', event: '' }]

/** Whether this version of the client knows events of this name. */
export function isKnown(event: string): boolean {
  return ROUTES.size === 0 || ROUTES.has(event)
}

/**
 * The channel among `channels` that shows the frame, `*` for events to everyone; undefined if none does. null: the payload
 * does not tell, so the log must be asked.
 */
export function shownOn(frame: Frame, channels: ReadonlyMap<string, Channel>): string | undefined | null {
  const { channel: carrier, event, data } = frame
  const routes = ROUTES.get(event) ?? POSTED
  const names = [...channels.keys()]
  const payload = typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {}
  const placements = [
    { channel: carrier, destination: { channel: EVERYONE, event } as const },
    ...place(routes, payload),
  ]
  const [seen] = visible(placements, null, event, {
    rankOf: (name) => (channels.has(name) ? names.indexOf(name) : undefined),
    viewOf: () => undefined,
    passes: () => true,
  })
  if (seen) return seen.channel
  const kind = parseChannel(carrier)?.kind
  const isHidden = ({ channel, field }: Route) => field && channel !== kind && fieldOf(data, field) === undefined
  const hidden = routes.filter(isHidden).map(({ channel }) => channel)
  return [...channels.values()].some((channel) => hidden.includes(channel.kind)) ? null : undefined
}
