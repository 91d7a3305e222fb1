/**
 * An event of the log. Its payload is one JSON text with the bare payload at its end (shared/src/catalogue/define.ts),
 * so that the two forms that most listeners want are cut from the text; only a destination with a form of its own makes
 * the payload an object again, and a live event still has it.
 */
import { type Entry, entryOf, type Payload, type Placement, placementsOf } from '../../shared/src/catalogue.ts'

export class LogEvent {
  readonly seq: number
  readonly type: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** The whole payload, as `global` shows it. */
  readonly data: string
  readonly skip: number
  #payload: Payload | undefined
  #placements: readonly Placement[] | undefined

  constructor(row: { seq: number; type: string; at: number; data: string; skip: number }, payload?: Payload) {
    this.seq = row.seq
    this.type = row.type
    this.at = row.at
    this.data = row.data
    this.skip = row.skip
    this.#payload = payload
  }

  /** What the event's home channel shows. */
  get bare(): string {
    return this.skip === 1 ? this.data : `{${this.data.slice(this.skip)}`
  }

  get payload(): Payload {
    this.#payload ??= JSON.parse(this.data) as Payload
    return this.#payload
  }

  /** The name on `global`: the type, or the name that a client's own event was posted with. */
  get name(): string {
    return this.entry?.isPosted ? String(this.payload.event) : this.type
  }

  /** The payload on `global`: the whole one, or what a client's own event was posted with. */
  get text(): string {
    return this.entry?.isPosted ? JSON.stringify(this.payload.data) : this.data
  }

  /** undefined for a type that another version of this program wrote: it shows on `global` alone. */
  get entry(): Entry | undefined {
    return entryOf(this.type)
  }

  get placements(): readonly Placement[] {
    this.#placements ??= this.entry ? placementsOf(this.entry, this.payload) : []
    return this.#placements
  }
}

/** The stored text of a payload, and where its bare part begins. Fields that the catalogue does not list are left out. */
export function encodePayload(entry: Entry, payload: Payload): { data: string; skip: number } {
  const shows = JSON.stringify(pick(payload, entry.fields.shows))
  const about = JSON.stringify(pick(payload, entry.fields.about))
  if (about === '{}') return { data: shows, skip: 1 }
  return { data: `${about.slice(0, -1)},${shows.slice(1)}`, skip: about.length }
}

function pick(payload: Payload, fields: readonly string[]): Payload {
  const picked: Record<string, unknown> = {}
  for (const field of fields) picked[field] = payload[field]
  return picked
}
