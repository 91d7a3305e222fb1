/**
 * An event of the log. Its payload is one JSON text with the bare payload at its end (shared/src/catalogue/define.ts),
 * so that the two forms that most listeners want are cut from the text; only a destination with a form of its own makes
 * the payload an object again, and a live event still has it.
 */
import { type Entry, entryOf, type Payload, type Placement, placementsOf } from '../../shared/src/catalogue.ts'
import { jsonLine, onOneLine } from '../base/json.ts'

/** A row of the log, as `SELECT_EVENTS` gives it. */
export type EventRow = readonly [
  seq: number,
  type: string,
  at: number,
  data: string,
  skip: number,
  actor: string | null,
]
export const SELECT_EVENTS = 'SELECT seq, type, at, data, skip, actor FROM events'

export class LogEvent {
  readonly seq: number
  readonly type: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** The whole payload, as `global` shows it. */
  readonly data: string
  readonly skip: number
  /** Who caused it; null if nobody is known. */
  readonly actor: string | null
  #payload: Payload | undefined
  #placements: readonly Placement[] | undefined

  constructor(
    row: { seq: number; type: string; at: number; data: string; skip: number; actor?: string | null },
    payload?: Payload,
    placements?: readonly Placement[],
  ) {
    this.seq = row.seq
    this.type = row.type
    this.at = row.at
    this.data = row.data
    this.skip = row.skip
    this.actor = row.actor ?? null
    this.#payload = payload
    this.#placements = placements
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
    return this.entry?.isPosted ? jsonLine(this.payload.data) : this.data
  }

  /** The topic that a client's own event was posted on, which `global` names beside it; undefined for all others. */
  get topic(): string | undefined {
    return this.entry?.isPosted ? String(this.payload.topic) : undefined
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

/**
 * An event as it was stored. Its line separators are escaped here as well, not once by a migration: an earlier version
 * of this program stored them as they came, and may write to the file again.
 */
export function toEvent([seq, type, at, data, skip, actor]: EventRow): LogEvent {
  const text = onOneLine(data)
  if (text === data) return new LogEvent({ seq, type, at, data, skip, actor })
  return new LogEvent({ seq, type, at, data: text, skip: onOneLine(data.slice(0, skip)).length, actor })
}

export interface Encoded {
  /** The stored text. */
  readonly data: string
  /** Where its bare part begins. */
  readonly skip: number
  readonly placements: readonly Placement[]
}

/**
 * Encodes payloads one after the other. Those that follow each other often are about the same thing, as the lines of a
 * batch are: what they share is made once, and is the same object for all of them.
 */
export class PayloadEncoder {
  #entry: Entry | null = null
  #about: Payload = {}
  #aboutText = ''
  #placed: Payload = {}
  #placements: readonly Placement[] = []

  /** Fields that the catalogue does not list are left out. */
  encode(entry: Entry, payload: Payload): Encoded {
    const isSameType = entry === this.#entry
    const { about, shows, placedBy } = entry.fields
    if (!isSameType || !agree(payload, this.#about, about)) {
      this.#about = pick(payload, about)
      this.#aboutText = jsonLine(this.#about)
    }
    if (!isSameType || !placedBy || !agree(payload, this.#placed, placedBy)) {
      this.#placed = pick(payload, placedBy ?? [])
      this.#placements = placementsOf(entry, payload)
    }
    this.#entry = entry
    const text = jsonLine(pick(payload, shows))
    const placements = this.#placements
    if (this.#aboutText === '{}') return { data: text, skip: 1, placements }
    return { data: `${this.#aboutText.slice(0, -1)},${text.slice(1)}`, skip: this.#aboutText.length, placements }
  }
}

/** Only primitives can agree: an object may have changed and be the same. */
function agree(a: Payload, b: Payload, fields: readonly string[]): boolean {
  return fields.every((field) => a[field] === b[field] && (typeof a[field] !== 'object' || a[field] === null))
}

function pick(payload: Payload, fields: readonly string[]): Payload {
  const picked: Record<string, unknown> = {}
  for (const field of fields) picked[field] = payload[field]
  return picked
}
