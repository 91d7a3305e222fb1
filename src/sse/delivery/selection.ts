/**
 * What a connection listens to: channels in the order in which the client named them, and a filter of event names. It
 * decides which wire names of an event a connection sees: each once, on the first named channel that carries it.
 */
import type { Destination, Entry } from '../../../shared/src/catalogue.ts'
import type { Channel, ChannelKind, View } from '../../../shared/src/channels.ts'
import { EVERYONE } from '../../../shared/src/protocol.ts'
import { jsonLine } from '../../base/json.ts'
import type { LogEvent } from '../../db/log-event.ts'
import { ALL } from '../../db/snapshot.ts'
import type { TypeFilter } from './type-filter.ts'

export interface Heard extends Channel {
  readonly view: View
  /** The client did not name it: it comes after those that it did. */
  readonly isImplied?: boolean
}

/** One wire name of an event as a connection sees it. */
export interface Shown {
  readonly channel: string
  readonly event: string
  /** JSON text. */
  readonly data: string
  /** Lines that may be joined with those of neighbouring events; `data` is empty then. */
  readonly lines?: readonly string[]
  /** On `global`: the topic that a client's own event was posted on. */
  readonly topic?: string | undefined
}

export interface Sight {
  readonly shown: readonly Shown[]
  /** Channels that are over after the event. */
  readonly ends: readonly string[]
}

const NO_ENDS: readonly string[] = []
const NOTHING: Sight = { shown: [], ends: NO_ENDS }

export class Selection {
  /** Equal for selections that see the same frames. */
  readonly key: string
  readonly channels: readonly Heard[]
  readonly types: TypeFilter
  readonly #rank: ReadonlyMap<string, number>
  /** Events to everyone are seen up to this position only. */
  readonly #everyoneUpTo: number
  /** For a selection of one channel: how it sees an event of a type without looking into the payload; null: it must look. */
  readonly #plans = new Map<string, Destination | null>()

  constructor(channels: readonly Heard[], types: TypeFilter, everyoneUpTo = Infinity) {
    this.channels = channels
    this.#everyoneUpTo = everyoneUpTo
    this.types = types
    this.key = `${channels.map(keyOf).join(',')}?${types.key}${everyoneUpTo === Infinity ? '' : `^${everyoneUpTo}`}`
    this.#rank = new Map(channels.map(({ name }, rank) => [name, rank]))
  }

  get hearsEverything(): boolean {
    return this.#rank.has('global')
  }

  /** The client named a channel of it. */
  get isNamed(): boolean {
    return this.channels.some(({ isImplied }) => !isImplied)
  }

  /** The log's channels that hold what this selection may see. */
  get logChannels(): readonly string[] | typeof ALL {
    return this.hearsEverything ? ALL : [...this.#rank.keys(), EVERYONE]
  }

  /** With one channel more, or another view of one that is held. */
  with(heard: Heard): Selection {
    const held = this.channels.findIndex(({ name, isImplied }) => name === heard.name && !isImplied)
    if (held >= 0) return new Selection(this.channels.with(held, heard), this.types)
    const others = this.channels.filter(({ name }) => name !== heard.name)
    const named = others.filter(({ isImplied }) => !isImplied)
    const implied = others.filter(({ isImplied }) => isImplied)
    return new Selection([...named, heard, ...implied], this.types)
  }

  without(ended: readonly string[]): Selection {
    return new Selection(
      this.channels.filter(({ name }) => !ended.includes(name)),
      this.types,
    )
  }

  /** How this selection sees an event that one of its channels carries. */
  sight(event: LogEvent): Sight {
    const { entry } = event
    const only = this.channels.length === 1 ? this.channels[0] : undefined
    if (only?.kind === 'global' && !reachesEveryone(event)) {
      if (!this.types.passes(event.name)) return NOTHING
      return { shown: [onGlobal(event)], ends: NO_ENDS }
    }
    if (entry && only && only.kind !== 'global') {
      const plan = this.#planFor(event.type, entry, only)
      if (plan) {
        if (plan.channel === EVERYONE && event.seq > this.#everyoneUpTo) return NOTHING
        const channel = plan.channel === EVERYONE ? EVERYONE : only.name
        return this.types.passes(plan.event)
          ? { shown: [{ channel, event: plan.event, data: event.bare }], ends: plan.ends ? [only.name] : [] }
          : { shown: [], ends: plan.ends ? [only.name] : [] }
      }
    }
    return this.#look(event)
  }

  #look(event: LogEvent): Sight {
    const shown: Shown[] = []
    const ends: string[] = []
    const ranks = new Map<string, { rank: number; at: number }>()
    /** The place of a name among those shown; undefined when a channel that was named earlier has it. */
    const claim = (name: string, rank: number): number | undefined => {
      const earlier = ranks.get(name)
      if (earlier && earlier.rank <= rank) return undefined
      const at = earlier?.at ?? shown.length
      ranks.set(name, { rank, at })
      return at
    }
    for (const { channel, destination } of event.placements) {
      const rank = channel === EVERYONE ? this.#rankOfEveryone(event.seq) : this.#rank.get(channel)
      if (rank === undefined) continue
      if (destination.ends) ends.push(channel)
      const name = event.entry?.isPosted ? event.name : destination.event
      if (destination.silent || !this.#shows(destination, rank) || !this.types.passes(name)) continue
      const at = claim(name, rank)
      if (at !== undefined) shown[at] = show(event, channel, name, destination)
    }
    const everything = this.#rank.get('global')
    if (everything !== undefined && this.types.passes(event.name)) {
      // Some events keep their domain name on a channel of their own.
      const at = claim(event.name, everything)
      if (at !== undefined) shown[at] = onGlobal(event)
    }
    return shown.length === 0 && ends.length === 0 ? NOTHING : { shown, ends }
  }

  #rankOfEveryone(seq: number): number | undefined {
    return seq <= this.#everyoneUpTo ? Number.MAX_SAFE_INTEGER : undefined
  }

  #shows(destination: Destination, rank: number): boolean {
    return destination.view === undefined || this.channels[rank]?.view === destination.view
  }

  #planFor(type: string, entry: Entry, only: Heard): Destination | null {
    let plan = this.#plans.get(type)
    if (plan === undefined) {
      plan = planOf(entry, only.kind, only.view)
      this.#plans.set(type, plan)
    }
    return plan
  }
}

function keyOf({ kind, name, view, isImplied }: Heard): string {
  return `${name}${kind === 'board' ? `;${view}` : ''}${isImplied ? '~' : ''}`
}

/** The one destination of an entry that a listener of one channel sees, when it shows the bare payload and always. */
function planOf(entry: Entry, kind: ChannelKind, view: View): Destination | null {
  const candidates = entry.to.filter(({ channel }) => channel === kind || channel === EVERYONE)
  const [only] = candidates
  if (!only || candidates.length > 1 || entry.isPosted) return null
  const plain = !only.data && !only.lines && !only.when && !only.silent && (!only.view || only.view === view)
  return plain ? only : null
}

function reachesEveryone(event: LogEvent): boolean {
  return event.placements.some(({ channel }) => channel === EVERYONE)
}

function onGlobal(event: LogEvent): Shown {
  return { channel: 'global', event: event.name, data: event.text, topic: event.topic }
}

function show(event: LogEvent, channel: string, name: string, destination: Destination): Shown {
  if (destination.lines) return { channel, event: name, data: '', lines: destination.lines(event.payload) }
  if (event.entry?.isPosted) return { channel, event: name, data: event.text }
  return { channel, event: name, data: destination.data ? jsonLine(destination.data(event.payload)) : event.bare }
}
