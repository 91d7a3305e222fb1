/**
 * Channel -> audiences. Nothing here knows what an event means or how a connection is written to. From COMMIT to the
 * last write publishing is synchronous; when it cannot keep up with itself, the writes wait for more to write.
 */
import { EVERYONE } from '../../shared/src/protocol.ts'
import type { LogEvent } from '../db/log-event.ts'
import { Audience } from './delivery/audience.ts'
import type { Audiences, Membership } from './delivery/audiences.ts'
import type { Framing } from './delivery/framing.ts'
import { Pace } from './delivery/pace.ts'
import type { Selection } from './delivery/selection.ts'

interface Entry {
  readonly key: string
  readonly audience: Audience
  members: number
}

export class Bus implements Audiences {
  readonly cursor: (seq: number) => string
  readonly #audiences = new Map<string, Entry>()
  readonly #channels = new Map<string, Set<Audience>>()
  readonly #onError: (error: unknown) => void
  readonly #pace = new Pace(() => this.#handOut())
  /** Those with frames to hand out. */
  #touched = new Set<Audience>()
  #head: number

  /** `onError` must end every stream: some may have missed what failed. */
  constructor(head: number, cursor: (seq: number) => string, onError: (error: unknown) => void) {
    this.#head = head
    this.cursor = cursor
    this.#onError = onError
  }

  /** The newest position that was published. */
  get head(): number {
    return this.#head
  }

  /** Becomes a member of the audience that listens so, which is made when it is the first. */
  subscribe(selection: Selection, framing: Framing): Membership {
    const key = `${framing.key} ${selection.key}`
    let entry = this.#audiences.get(key)
    if (!entry) {
      entry = { key, audience: new Audience(selection, framing, this.cursor), members: 0 }
      this.#audiences.set(key, entry)
      for (const { name } of selection.channels) this.#audiencesOf(name).add(entry.audience)
    }
    return this.#join(entry)
  }

  /**
   * Gives every audience the events that concern it, in order, and hands out what they make of them. The log is complete
   * up to `head`, which may be after the last event when newer ones were trimmed.
   */
  publish(events: readonly LogEvent[], head: number): void {
    // First: whoever is cut off in the midst of this must not be told an older position later.
    this.#head = head
    let before: LogEvent | undefined
    let hearing = NONE
    for (const event of events) {
      // Lines of one batch share their placements.
      if (event.placements !== before?.placements) hearing = this.#hearing(event)
      before = event
      for (const audience of hearing) {
        audience.publish(event)
        this.#touched.add(audience)
      }
    }
    if (this.#touched.size > 0) this.#pace.request()
  }

  #handOut(): void {
    const touched = this.#touched
    this.#touched = new Set()
    try {
      for (const audience of touched) audience.flush()
    } catch (error) {
      this.#onError(error)
    }
  }

  /** The audiences that hold the channel. */
  audiencesOf(channel: string): ReadonlySet<Audience> {
    return this.#channels.get(channel) ?? NONE
  }

  /** Gives something that is not stored to the audiences of its channels, once each, on the channel they named first. */
  publishUnstored(event: string, channels: readonly string[], data: string): void {
    const hearing = new Set<Audience>()
    for (const channel of channels) for (const audience of this.audiencesOf(channel)) hearing.add(audience)
    for (const audience of hearing) {
      const heard = audience.selection.channels.find(({ name }) => channels.includes(name))
      if (!heard || !audience.selection.types.passes(event)) continue
      audience.publishUnstored({ channel: heard.name, event, data }, this.#head, false)
      audience.flush()
    }
  }

  /** Channels that somebody listens to, with how many connections do. */
  channelStats(): Record<string, number> {
    const stats: Record<string, number> = {}
    for (const { audience, members } of this.#audiences.values()) {
      for (const { name } of audience.selection.channels) stats[name] = (stats[name] ?? 0) + members
    }
    return stats
  }

  get audienceCount(): number {
    return this.#audiences.size
  }

  #hearing(event: LogEvent): ReadonlySet<Audience> {
    const [only, ...more] = event.placements
    const everything = this.#channels.get('global')
    if (!everything && only && more.length === 0 && only.channel !== EVERYONE) return this.audiencesOf(only.channel)
    const hearing = new Set<Audience>(everything)
    for (const { channel } of event.placements) {
      if (channel === EVERYONE) for (const { audience } of this.#audiences.values()) hearing.add(audience)
      else for (const audience of this.audiencesOf(channel)) hearing.add(audience)
    }
    return hearing
  }

  #audiencesOf(channel: string): Set<Audience> {
    let audiences = this.#channels.get(channel)
    if (!audiences) {
      audiences = new Set()
      this.#channels.set(channel, audiences)
    }
    return audiences
  }

  /** Apart from `subscribe`, whose texts would live as long as the membership. */
  #join(entry: Entry): Membership {
    entry.members += 1
    let left = false
    return {
      audience: entry.audience,
      leave: () => {
        if (left) return
        left = true
        this.#release(entry)
      },
    }
  }

  #release(entry: Entry): void {
    entry.members -= 1
    if (entry.members > 0) return
    this.#audiences.delete(entry.key)
    for (const { name } of entry.audience.selection.channels) {
      const audiences = this.#channels.get(name)
      audiences?.delete(entry.audience)
      if (audiences?.size === 0) this.#channels.delete(name)
    }
  }
}

const NONE: ReadonlySet<Audience> = new Set()
