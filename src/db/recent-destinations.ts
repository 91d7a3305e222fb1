/**
 * A small cache of where events show. Similar events follow each other in the log, such as lines of a few attempts. Their
 * channels and names are computed once for all events of a type whose payloads begin alike.
 */
import type { LogEvent } from './log-event.ts'

/** The channels and names under which similar events show, and the newest of these events. */
export interface Destinations {
  readonly type: string
  /** The common beginning of the payloads, up to the last field that decides where the events show. */
  readonly beginning: string
  readonly names: ReadonlyArray<{ readonly channel: string; readonly name: string }>
  seq: number
}

export class RecentDestinations {
  static readonly #most = 16
  readonly #recent: Destinations[] = []

  find({ type, data }: LogEvent): Destinations | undefined {
    return this.#recent.find((known) => known.type === type && data.startsWith(known.beginning))
  }

  /** Returns the entry that was evicted, if any. An event that cannot be cached is returned at once. */
  add(event: LogEvent, names: Destinations['names']): Destinations | undefined {
    const beginning = beginningOf(event)
    if (beginning === null) return { type: event.type, beginning: '', names, seq: event.seq }
    this.#recent.unshift({ type: event.type, beginning, names, seq: event.seq })
    return this.#recent.length > RecentDestinations.#most ? this.#recent.pop() : undefined
  }

  all(): readonly Destinations[] {
    return this.#recent
  }
}

/** null when the beginning of the payload does not decide where the event shows. */
function beginningOf({ entry, payload, data }: LogEvent): string | null {
  if (!entry?.fields.placedBy) return null
  const deciding = entry.isPosted ? [...entry.fields.placedBy, 'event'] : entry.fields.placedBy
  const order = [...entry.fields.about, ...entry.fields.shows]
  const last = Math.max(...deciding.map((field) => order.indexOf(field)))
  if (last + 1 === order.length || deciding.some((field) => payload[field] === undefined)) return null
  const fields = Object.fromEntries(order.slice(0, last + 1).map((field) => [field, payload[field]]))
  const beginning = `${JSON.stringify(fields).slice(0, -1)},`
  return data.startsWith(beginning) ? beginning : null
}
