/**
 * The registry of listeners: which audiences have which channels. It knows neither what an event means nor how a
 * connection is written to. From COMMIT to the last write publishing is synchronous. Under load, flushes are paced.
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
  readonly #pace = new Pace(() => this.#flush())
  /** Audiences with something to flush. */
  #pending = new Set<Audience>()
  #head: number

  /** `onError` must end every stream: some may have missed what failed. */
  constructor(head: number, cursor: (seq: number) => string, onError: (error: unknown) => void) {
    this.#head = head
    this.cursor = cursor
    this.#onError = onError
  }

  /** The newest sequence number that was published. */
  get head(): number {
    return this.#head
  }

  /** Whether anybody has subscribed to anything. */
  get isUsed(): boolean {
    return this.#audiences.size > 0
  }

  /** The log has a new epoch, and goes on from `head`. Every stream has been ended before. */
  beginAt(head: number): void {
    this.#head = head
  }

  /** Joins the audience with this selection and framing. The first member creates it. */
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
   * Gives every audience the events of its channels, in order, and flushes what they made of them. The log is complete up to
   * `head`, which may be after the last event if newer ones were trimmed.
   */
  publish(events: readonly LogEvent[], head: number): void {
    // First, so that a listener that ends during this gets no lower sequence number afterwards.
    this.#head = head
    let previous: LogEvent | undefined
    let receivers = NONE
    for (const event of events) {
      // Lines of one batch share their placements.
      if (event.placements !== previous?.placements) receivers = this.#receiversOf(event)
      previous = event
      for (const audience of receivers) {
        audience.publish(event)
        this.#pending.add(audience)
      }
    }
    if (this.#pending.size > 0) this.#pace.request()
  }

  #flush(): void {
    const pending = this.#pending
    this.#pending = new Set()
    try {
      for (const audience of pending) audience.flush()
    } catch (error) {
      this.#onError(error)
    }
  }

  /** The audiences that have the channel. */
  audiencesOf(channel: string): ReadonlySet<Audience> {
    return this.#channels.get(channel) ?? NONE
  }

  /**
   * Sends something that is not stored to the audiences of its channels: once each, on the channel they named first.
   * `marked`: with the id reached.
   */
  publishUnstored(event: string, channels: readonly string[], data: string, marked: boolean): void {
    const receivers = new Set<Audience>()
    for (const channel of channels) for (const audience of this.audiencesOf(channel)) receivers.add(audience)
    for (const audience of receivers) {
      const channel = audience.selection.channels.find(({ name }) => channels.includes(name))
      if (!channel || !audience.selection.types.passes(event)) continue
      audience.publishUnstored({ channel: channel.name, event, data }, this.#head, marked)
      audience.flush()
    }
  }

  /** Channels with subscriptions, and how many connections have each. */
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

  #receiversOf(event: LogEvent): ReadonlySet<Audience> {
    const [only, ...more] = event.placements
    const withGlobal = this.#channels.get('global')
    if (!withGlobal && only && more.length === 0 && only.channel !== EVERYONE) return this.audiencesOf(only.channel)
    const receivers = new Set<Audience>(withGlobal)
    for (const { channel } of event.placements) {
      if (channel === EVERYONE) for (const { audience } of this.#audiences.values()) receivers.add(audience)
      else for (const audience of this.audiencesOf(channel)) receivers.add(audience)
    }
    return receivers
  }

  #audiencesOf(channel: string): Set<Audience> {
    let audiences = this.#channels.get(channel)
    if (!audiences) {
      audiences = new Set()
      this.#channels.set(channel, audiences)
    }
    return audiences
  }

  /** Not part of `subscribe`, whose strings would then live as long as the membership. */
  #join(entry: Entry): Membership {
    entry.members += 1
    let hasLeft = false
    return {
      audience: entry.audience,
      leave: () => {
        if (hasLeft) return
        hasLeft = true
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
