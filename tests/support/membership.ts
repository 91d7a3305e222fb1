/**
 * What a connection that joins and leaves channels must have received, derived from the log alone. The transcript of the
 * connection is checked message by message. It does not show at which sequence number a change of channels takes effect,
 * so all possible numbers are kept until later messages decide:
 *
 *   held: a      event 4    | joined b |    event 9 (on b)
 *                at 4         at 4 to 6     at 9; not possible from 4 to 6 if 7 or 8 shows on b
 *                             (7 would have shown on a)
 */
import { parseChannelWithView } from '../../shared/src/channels.ts'
import type { SeenEvent } from './log-reader.ts'
import { sightingsOf } from './sights.ts'

/** `channel` as it was spelled, with a view. */
export type Told =
  /** `since`: a position; undefined: from a snapshot. */
  | { readonly kind: 'joined'; readonly channel: string; readonly since?: number | undefined }
  | { readonly kind: 'left'; readonly channel: string }
  /** A message without an event shows how far the connection is. */
  | { readonly kind: 'reached'; readonly seq: number }
  | ToldEvent

interface ToldEvent {
  readonly kind: 'event'
  readonly seq: number
  readonly channel: string
  readonly event: string
  /** May belong to several events; the position is that of the last. */
  readonly lines?: readonly string[] | undefined
}

interface Held {
  readonly name: string
  readonly view: 'full' | 'diff'
  readonly isImplied: boolean
}

/** The messages of one event that are still to come. */
interface Group {
  readonly seq: number
  readonly left: readonly string[]
}

/** A possible state of the connection: everything up to `at` has been delivered, except what is due. */
interface Place {
  readonly at: number
  readonly due: readonly Group[]
}

type Outcome = Place | string

export class Membership {
  readonly #log: readonly SeenEvent[]
  #held: readonly Held[]
  #places: readonly Place[]
  /** Since the first acknowledgement, events to everyone were sent from here on; a later replay leaves them out. */
  #everyoneFrom = Infinity
  readonly #shownOf = new Map<string, readonly string[]>()

  /** `log`: all events, the first of them with position 1. */
  constructor(log: readonly SeenEvent[], start: number, hasGlobal: boolean) {
    this.#log = log
    this.#places = [{ at: start, due: [] }]
    this.#held = hasGlobal ? [{ name: 'global', view: 'diff', isImplied: true }] : []
  }

  /** Channels, as they are spelled with their views. */
  get held(): readonly string[] {
    return this.#held.map(spelled)
  }

  /** Returns what is wrong with the transcript, or null. */
  take(told: Told): string | null {
    if (told.kind === 'event') return this.#keep((place) => this.#event(place, told))
    if (told.kind === 'reached') return this.#keep((place) => this.#reach(place, told.seq))
    const fault = this.#letPass()
    if (fault) return fault
    const channel = parseChannelWithView(told.channel)
    if (!channel) return `${told.channel} is no channel`
    const { name, view } = channel
    if (told.kind === 'left') {
      this.#held = this.#held.filter((one) => one.name !== name)
      return null
    }
    const heard = { name, view, isImplied: false }
    this.#held = withOne(this.#held, heard)
    const { since } = told
    if (since === undefined) {
      // No event to everyone lies between the possible positions: it would have decided between them.
      this.#everyoneFrom = Math.min(this.#everyoneFrom, ...this.#places.map(({ at }) => at))
      return null
    }
    const everyoneFrom = this.#everyoneFrom
    this.#everyoneFrom = Math.min(everyoneFrom, since)
    return this.#keep((place) => this.#resume(place, heard, { since, everyoneFrom }))
  }

  /** Continues with the states in which a message was possible. */
  #keep(tell: (place: Place) => Outcome): string | null {
    const outcomes = this.#places.map(tell)
    const places = outcomes.filter((outcome) => typeof outcome !== 'string')
    this.#places = [...new Map(places.map((place) => [JSON.stringify(place), place])).values()]
    return places.length > 0 ? null : String(outcomes[0])
  }

  /** A change of channels follows: it takes effect when everything is delivered, or somewhat later. */
  #letPass(): string | null {
    const fault = this.#keep((place) => nothingDue(place) ?? place)
    if (fault) return fault
    const all = new Set(this.#places.map(({ at }) => at))
    for (const at of [...all]) for (let next = at + 1; next < this.#nextAfter(at); next++) all.add(next)
    this.#places = [...all].filter((at) => at <= this.#log.length).map((at) => ({ at, due: [] }))
    return null
  }

  #resume({ at }: Place, heard: Held, { since, everyoneFrom }: { since: number; everyoneFrom: number }): Outcome {
    if (since > at) return `joined after ${since}, but at ${at}`
    const due: Group[] = []
    for (let seq = since + 1; seq <= at; seq++) {
      const left = this.#shown(seq, [heard]).filter((one) => seq <= everyoneFrom || !one.startsWith('* '))
      if (left.length > 0) due.push({ seq, left })
    }
    return { at, due }
  }

  #reach(place: Place, seq: number): Outcome {
    const fault = nothingDue(place)
    if (fault) return fault
    if (seq < place.at) return `${seq} is said to be reached after ${place.at}`
    const missed = this.#nextAfter(place.at)
    return missed > seq
      ? { at: seq, due: [] }
      : `${seq} is reached, but not told was ${this.#shown(missed)} of ${missed}`
  }

  /** Removes one message, and what follows it, from what is due; its position must be that of its last event. */
  #event(place: Place, { seq, channel, event, lines }: ToldEvent): Outcome {
    const name = `${channel} ${event}`
    const due = [...place.due]
    let { at } = place
    let last = 0
    for (const token of lines ? lines.map((line) => `${name} ${line}`) : [name]) {
      if (due.length === 0) {
        const next = this.#nextAfter(at)
        due.push({ seq: next, left: this.#shown(next) })
      }
      const [group = { seq: 0, left: [] }] = due
      // Names of one event may come in any order, its lines may not.
      const found = group.left.findIndex((one) => one === name || one.startsWith(`${name} `))
      if (found < 0 || group.left[found] !== token) {
        return `${short(token)} of ${seq}, where ${short(group.left[found] ?? group.left[0])} of ${group.seq} is due`
      }
      last = group.seq
      at = Math.max(at, last)
      if (group.left.length === 1) due.shift()
      else due[0] = { seq: last, left: group.left.toSpliced(found, 1) }
    }
    return last === seq ? { at, due } : `${name} of ${last} under the id ${seq}`
  }

  /** The next position that shows on a held channel; one after the end of the log when there is none. */
  #nextAfter(seq: number): number {
    let next = seq + 1
    while (next <= this.#log.length && this.#shown(next).length === 0) next += 1
    return next
  }

  #shown(seq: number, held: readonly Held[] = this.#held): readonly string[] {
    const key = `${seq} ${held.map(spelled)}`
    let shown = this.#shownOf.get(key)
    if (!shown) {
      shown = this.#look(seq, held)
      this.#shownOf.set(key, shown)
    }
    return shown
  }

  #look(seq: number, held: readonly Held[]): readonly string[] {
    const event = this.#log[seq - 1]
    if (!event) return []
    const channels = held.map(({ name }) => name)
    const views = Object.fromEntries(held.map(({ name, view }) => [name, view]))
    return sightingsOf(event, { channels, views }).flatMap(({ channel, event: name, lines }) =>
      lines ? lines.map((line) => `${channel} ${name} ${line}`) : [`${channel} ${name}`],
    )
  }
}

/** A channel that is held already keeps its rank, unless the client had not named it. */
function withOne(held: readonly Held[], heard: Held): readonly Held[] {
  const at = held.findIndex(({ name, isImplied }) => name === heard.name && !isImplied)
  if (at >= 0) return held.with(at, heard)
  const others = held.filter(({ name }) => name !== heard.name)
  return [...others.filter(({ isImplied }) => !isImplied), heard, ...others.filter(({ isImplied }) => isImplied)]
}

function nothingDue({ due: [next] }: Place): string | null {
  return next ? `${short(next.left[0])} of ${next.seq} should have been told before` : null
}

function spelled({ name, view }: Held): string {
  return view === 'full' ? `${name};full` : name
}

function short(text: string | undefined): string {
  return text?.slice(0, 80) ?? 'nothing'
}
