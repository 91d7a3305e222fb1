/**
 * What a connection is subscribed to: channels, in the order in which the client named them, and a filter of event names;
 * and what its subject has a right to see besides, which decides about events to everyone. Under which names it sees an event is decided in `shared/src/visibility.ts`; this adds the payloads.
 */
import { catalogue, type Destination, type Entry, type Placement } from '../../../shared/src/catalogue.ts'
import type { Channel, View } from '../../../shared/src/channels.ts'
import { EVERYONE } from '../../../shared/src/protocol.ts'
import type { TypeFilter } from '../../../shared/src/type-filter.ts'
import { type Subscribed, type Visible, visible } from '../../../shared/src/visibility.ts'
import { ChannelPatterns } from '../../base/channel-patterns.ts'
import { jsonLine } from '../../base/json.ts'
import type { LogEvent } from '../../db/log-event.ts'
import { ALL } from '../../db/snapshot.ts'

export interface SubscribedChannel extends Channel {
  readonly view: View
  /** The client did not name it: it comes after those that it did. */
  readonly isImplied?: boolean
}

/** An event under one name, as a connection sees it. */
export interface VisibleEvent {
  readonly channel: string
  readonly event: string
  /** JSON text. */
  readonly data: string
  /** Lines that may be joined with those of neighbouring events; `data` is empty then. */
  readonly lines?: readonly string[]
  /** On `global`: the topic that a client's event was posted on. */
  readonly topic?: string | undefined
  /** Who caused it; undefined for what is not stored. */
  readonly actor?: string | null
}

export interface SelectionOptions {
  /** The channels that the subject has a right to. Default: all. */
  readonly sees?: ChannelPatterns
  /** Events to everyone are seen up to this sequence number only. Default: all. */
  readonly everyoneUpTo?: number
}

export class Selection implements Subscribed {
  /** Equal for selections that see the same. */
  readonly key: string
  readonly channels: readonly SubscribedChannel[]
  readonly types: TypeFilter
  readonly sees: ChannelPatterns
  /** [Subscribed] */
  readonly maySee: ((channel: string) => boolean) | undefined
  readonly #only: SubscribedChannel | undefined
  readonly #ranks: ReadonlyMap<string, number>
  readonly #hasGlobal: boolean
  readonly #everyoneUpTo: number
  /** By the type of the event; null where the payload decides. */
  readonly #knownNames = new Map<string, readonly Visible<Destination>[] | null>()

  constructor(
    channels: readonly SubscribedChannel[],
    types: TypeFilter,
    { sees = ChannelPatterns.all, everyoneUpTo = Infinity }: SelectionOptions = {},
  ) {
    this.channels = channels
    this.types = types
    this.sees = sees
    this.maySee = sees.isAll ? undefined : (channel) => sees.matches(channel)
    const upTo = everyoneUpTo === Infinity ? '' : `^${everyoneUpTo}`
    this.key = `${channels.map(keyOf).join(',')}?${types.key}${upTo}${sees.isAll ? '' : ` ${sees.key}`}`
    this.#only = channels.length === 1 ? channels[0] : undefined
    this.#ranks = new Map(channels.map(({ name }, rank) => [name, rank]))
    this.#hasGlobal = this.#ranks.has('global')
    this.#everyoneUpTo = everyoneUpTo
  }

  /** The client named one of its channels. */
  get isNamed(): boolean {
    return this.channels.some(({ isImplied }) => !isImplied)
  }

  /** The channels of the log that have what this selection may see. */
  get logChannels(): readonly string[] | typeof ALL {
    return this.#hasGlobal ? ALL : [...this.#ranks.keys(), EVERYONE]
  }

  /** With one channel more, or another view of one that it has. */
  with(channel: SubscribedChannel): Selection {
    const held = this.channels.findIndex(({ name, isImplied }) => name === channel.name && !isImplied)
    if (held >= 0) return this.of(this.channels.with(held, channel))
    const others = this.channels.filter(({ name }) => name !== channel.name)
    const named = others.filter(({ isImplied }) => !isImplied)
    const implied = others.filter(({ isImplied }) => isImplied)
    return this.of([...named, channel, ...implied])
  }

  without(names: readonly string[]): Selection {
    return this.of(this.channels.filter(({ name }) => !names.includes(name)))
  }

  /** Of other channels, for the same subject and with the same filter. */
  of(channels: readonly SubscribedChannel[], everyoneUpTo = Infinity): Selection {
    return new Selection(channels, this.types, { sees: this.sees, everyoneUpTo })
  }

  /** The channels that a subject with other rights may still see. */
  seenBy(sees: ChannelPatterns): Selection {
    return new Selection(
      this.channels.filter(({ name }) => sees.matches(name)),
      this.types,
      { sees },
    )
  }

  /** What this selection sees of an event that one of its channels, or every connection, gets. */
  view(event: LogEvent): readonly VisibleEvent[] {
    const seen = this.#namesOf(event)
    const [first] = seen
    if (first === undefined) return NOTHING
    // Mostly there is one name.
    return seen.length === 1 ? [render(event, first)] : seen.map((name) => render(event, name))
  }

  /** Channels of this selection that end with an event. */
  endedBy(event: LogEvent): readonly string[] {
    if (!ENDING_TYPES.has(event.type)) return NONE
    return event.placements
      .filter(({ channel, destination }) => destination.ends && this.#ranks.has(channel))
      .map(({ channel }) => channel)
  }

  /** [Subscribed] */
  rankOf(channel: string): number | undefined {
    return this.#ranks.get(channel)
  }

  /** [Subscribed] */
  viewOf(rank: number): View | undefined {
    return this.channels[rank]?.view
  }

  /** [Subscribed] */
  passes(event: string): boolean {
    return this.types.passes(event)
  }

  /**
   * The names that this selection sees. If it has one channel, the type of the event mostly decides: payloads that are read
   * from the log need not be parsed then.
   */
  #namesOf(event: LogEvent): readonly Visible<Destination>[] {
    const { entry } = event
    if (event.seq > this.#everyoneUpTo) {
      return this.#visible(
        event,
        event.placements.filter(({ channel }) => channel !== EVERYONE),
      )
    }
    if (!entry || !this.#only) return this.#visible(event, event.placements)
    let known = this.#knownNames.get(event.type)
    if (known === undefined) {
      const placements = placementsKnown(entry, this.#only, this.sees.isAll)
      known = placements && this.#visible(event, placements)
      this.#knownNames.set(event.type, known)
    }
    return known ?? this.#visible(event, event.placements)
  }

  #visible(event: LogEvent, placements: readonly Placement[]): readonly Visible<Destination>[] {
    const posted = event.entry?.isPosted ? event.name : null
    return visible(placements, this.#hasGlobal ? event.name : null, posted, this)
  }
}

function keyOf({ kind, name, view, isImplied }: SubscribedChannel): string {
  return `${name}${kind === 'board' ? `;${view}` : ''}${isImplied ? '~' : ''}`
}

/** The placements of every event of a type that one channel, or every connection, gets; null where the payload decides. */
function placementsKnown(entry: Entry, only: SubscribedChannel, seesAll: boolean): readonly Placement[] | null {
  const candidates = entry.to.filter(({ channel }) => channel === only.kind || channel === EVERYONE)
  const [destination] = candidates
  if (entry.isPosted || candidates.length > 1 || destination?.when) return null
  if (destination?.concerns && !seesAll) return null
  // Every event shows on `global`.
  if (!destination) return only.kind === 'global' ? [] : null
  return [{ channel: destination.channel === EVERYONE ? EVERYONE : only.name, destination }]
}

function render(event: LogEvent, { channel, event: name, destination }: Visible<Destination>): VisibleEvent {
  const { actor } = event
  if (!destination) return { channel, event: name, data: event.text, topic: event.topic, actor }
  if (destination.lines) return { channel, event: name, data: '', lines: destination.lines(event.payload), actor }
  if (destination.data) return { channel, event: name, data: jsonLine(destination.data(event.payload)), actor }
  return { channel, event: name, data: event.entry?.isPosted ? event.text : event.bare, actor }
}

const ENDING_TYPES: ReadonlySet<string> = new Set(
  Object.entries<Entry>(catalogue).flatMap(([type, { to }]) => (to.some(({ ends }) => ends) ? [type] : [])),
)
const NOTHING: readonly VisibleEvent[] = []
const NONE: readonly string[] = []
