/**
 * The channels of a socket, and the cursor that each is resumed from (docs/protocol.md, W42).
 *
 * An id says something about a channel only after the channel was acknowledged on the same connection: before that, what
 * the channel carries is not among what the connection delivers.
 */
import { type ChannelKind, parseChannelWithView } from '../../../shared/src/channels.ts'
import { MAX_CHANNELS } from '../../../shared/src/protocol.ts'
import { compareIds, laterOf } from '../core/positions.ts'

/** Proxies take request lines of 8 KB. What does not fit is joined by messages. */
const MAX_ADDRESS_LENGTH = 6_000

const WITH_SNAPSHOT: ReadonlySet<ChannelKind> = new Set<ChannelKind>(['board', 'dashboard', 'metrics'])
/** An address that names one of these is refused as a whole when the board does not exist. */
const MUST_EXIST: ReadonlySet<ChannelKind> = new Set<ChannelKind>(['board', 'project'])

export interface Place {
  /** As frames spell it. */
  readonly name: string
  /** As it was asked for, with a view. */
  readonly spelled: string
  readonly kind: ChannelKind | null
  /** Everything on the channel up to here was delivered; undefined: it begins with its snapshot, or with now. */
  position: string | undefined
  /** Acknowledged on this connection. */
  isHeld: boolean
  /** It may be refused: it is joined by a message of its own, so that the others are not refused with it. */
  isDoubtful: boolean
}

/** What an address names, and the one cursor that resumes all of it. */
export interface Addressed {
  readonly places: readonly Place[]
  readonly since: string | undefined
}

export class ChannelPlaces {
  readonly #places = new Map<string, Place>()
  /** The last id that advanced the channels that are held. */
  #reached = ''

  get all(): Place[] {
    return [...this.#places.values()]
  }

  get held(): Place[] {
    return this.all.filter(({ isHeld }) => isHeld)
  }

  /** Undefined when the channel is there already. */
  add(spelled: string): Place | undefined {
    const channel = parseChannelWithView(spelled)
    const name = channel?.name ?? spelled
    if (this.#places.has(name)) return undefined
    const place: Place = {
      name,
      spelled,
      kind: channel?.kind ?? null,
      position: undefined,
      isHeld: false,
      isDoubtful: channel === null,
    }
    this.#places.set(name, place)
    return place
  }

  get(name: string): Place | undefined {
    return this.#places.get(name)
  }

  /** The place that was there, if any. */
  remove(spelled: string): Place | undefined {
    const name = parseChannelWithView(spelled)?.name ?? spelled
    const place = this.#places.get(name)
    this.#places.delete(name)
    return place
  }

  /** A new connection holds nothing yet. */
  reset(): void {
    this.#reached = ''
    for (const place of this.#places.values()) place.isHeld = false
  }

  /** The most channels that one cursor is right for. */
  addressed(): Addressed {
    const groups = new Map<string | undefined, Place[]>()
    for (const place of this.#places.values()) {
      if (place.isDoubtful) continue
      const group = groups.get(place.position) ?? []
      groups.set(place.position, group)
      group.push(place)
    }
    const [largest] = [...groups].sort(([a, left], [b, right]) => {
      return right.length - left.length || Number(a === undefined) - Number(b === undefined)
    })
    if (!largest) return { places: [], since: undefined }
    const [since, group] = largest
    let length = 0
    const places = group.slice(0, MAX_CHANNELS).filter(({ spelled }) => {
      length += spelled.length + 1
      return length <= MAX_ADDRESS_LENGTH
    })
    return { places, since }
  }

  /** The connection begins to deliver the channel after `id`; empty: after something that is not known yet. */
  acknowledge(place: Place, id: string): void {
    place.isHeld = true
    place.isDoubtful = false
    // One with a snapshot must get it: until it has come, there is no cursor to come back with.
    if (place.position === undefined && id !== '' && !hasSnapshot(place)) place.position = id
  }

  /** Everything up to `id` was delivered on the channels that are held. */
  advance(id: string): void {
    const before = this.#reached
    if (id === before) return
    const isNewer = before === '' || compareIds(id, before) > 0
    for (const place of this.#places.values()) {
      if (!place.isHeld) continue
      // Most stand where the connection stands.
      const isThere = isNewer && before !== '' && place.position === before
      place.position = isThere ? id : (laterOf(place.position ?? null, id) ?? id)
    }
    if (isNewer) this.#reached = id
  }

  /** What came before `id` on these channels is lost. Snapshots follow where a channel has one. */
  lose(places: readonly Place[], id: string): void {
    for (const place of places) place.position = hasSnapshot(place) ? undefined : id
    this.#reached = ''
  }

  /** The board was deleted: its channels are no longer held, and may come back with another board. */
  deleted(boardId: string): void {
    for (const name of [`board:${boardId}`, `project:${boardId}`]) {
      const place = this.#places.get(name)
      if (place) Object.assign(place, { position: undefined, isHeld: false, isDoubtful: true })
    }
  }

  /** An address was refused for one of its channels. False when there is none that could have been the reason. */
  doubt({ places }: Addressed): boolean {
    const doubtful = places.filter(({ kind }) => kind !== null && MUST_EXIST.has(kind))
    for (const place of doubtful) place.isDoubtful = true
    return doubtful.length > 0
  }
}

function hasSnapshot({ kind }: Place): boolean {
  return kind !== null && WITH_SNAPSHOT.has(kind)
}
