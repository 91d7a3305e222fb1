/**
 * Renderings of channels, kept for as long as they are true. Newcomers are served from them, and a rendering that can
 * apply events is kept up to date while somebody follows its channel, so that a large board is read from the store once.
 *
 *   read     at sequence number 7 ........ rendered at 7  -> events 8 and 9 applied -> kept, at 9
 *   publish              8      9                                                            10 -> applied, at 10
 *
 * What is kept is at the head of the bus, because `changed` is called in the turn in which an event is published. Events
 * that are published while a read is in progress are gathered, and applied when it resolves.
 */
import type { Channel } from '../../../shared/src/channels.ts'
import type { ChannelPatterns } from '../../base/channel-patterns.ts'
import type { LogEvent } from '../../db/log-event.ts'
import type { Sql } from '../../db/sql.ts'
import type { Store } from '../../db/store.ts'
import { type Rendering, type SnapshotSource, textRendering } from './snapshot-source.ts'

/** A channel, the source that renders it, and what the subject for whom it is rendered has a right to see. */
export interface Wanted {
  readonly channel: Channel
  readonly source: SnapshotSource
  readonly sees: ChannelPatterns
}

/** Equal for subjects that get the same rendering of a channel: its name, and their rights if these matter. */
export function renderingKey(name: string, { isPerSubject }: SnapshotSource, sees: ChannelPatterns): string {
  return isPerSubject && !sees.isAll ? `${name} ${sees.key}` : name
}

export function channelOfKey(key: string): string {
  const end = key.indexOf(' ')
  return end < 0 ? key : key.slice(0, end)
}

function keyOf({ channel: { name }, source, sees }: Wanted): string {
  return renderingKey(name, source, sees)
}

/** What a read gave for a channel. */
export interface Rendered extends Wanted {
  /** At the sequence number of the read. */
  readonly text: string
  /** At the head of the bus when the read resolved; undefined when an event after the read could not be applied. */
  readonly latest: string | undefined
}

export interface RenderingsOptions {
  readonly store: Pick<Store, 'read'>
  /** The newest sequence number that was published. */
  head(): number
  /** Whether a listener gets every snapshot of the channel, not only the first. */
  isFollowed(channel: string): boolean
  /** The approximate limit of memory for kept renderings. */
  readonly maxBytes?: number
}

interface Kept {
  readonly rendering: Rendering
  /** Sequence number and time (`performance.now()`) of the read. */
  readonly seq: number
  readonly at: number
}

const MAX_BYTES = 64 * 1024 * 1024

export class Renderings {
  readonly #options: RenderingsOptions
  /** By their keys. Those that changed or were read last are last. */
  readonly #kept = new Map<string, Kept>()
  /** For each read in progress: its channels, and what has changed them since it began. */
  readonly #reads = new Set<ReadonlyMap<string, LogEvent[]>>()

  #beginnings = 0

  constructor(options: RenderingsOptions) {
    this.#options = options
  }

  /** The text of a channel at the head of the bus; undefined when it has to be rendered. */
  current(wanted: Wanted): string | undefined {
    const kept = this.#kept.get(keyOf(wanted))
    if (!kept) return undefined
    const { maxAgeMs } = wanted.source
    const isTrue =
      maxAgeMs === Infinity || (kept.seq === this.#options.head() && performance.now() - kept.at <= maxAgeMs)
    return isTrue ? kept.rendering.text : undefined
  }

  /**
   * An event that was just published changed the channel; without an event, time did. Renderings for subjects that see less
   * need not be dropped: they count only while nothing at all was committed.
   */
  changed(channel: string, event?: LogEvent): void {
    const kept = this.#kept.get(channel)
    this.#kept.delete(channel)
    if (kept && event && kept.rendering.apply?.(event)) this.#kept.set(channel, kept)
    if (event) for (const changes of this.#reads) changes.get(channel)?.push(event)
  }

  /**
   * Renders those channels that exist, all at one sequence number, at which `also` runs too. `head`: that of the bus when
   * the read resolved.
   */
  async read<T>(wanted: readonly Wanted[], also: (sql: Sql) => Promise<T>) {
    const headBefore = this.#options.head()
    const beginning = this.#beginnings
    const changes = new Map(wanted.map(({ channel }) => [channel.name, [] as LogEvent[]]))
    this.#reads.add(changes)
    try {
      const { seq, made, value } = await this.#options.store.read(async ({ sql, head: seq }) => {
        const made = []
        for (const one of wanted) {
          const kept = seq === this.#options.head() ? this.current(one) : undefined
          const rendering =
            kept === undefined ? await one.source.render(sql, one.channel.id, one.sees) : textRendering(kept)
          if (rendering) made.push({ ...one, rendering, text: rendering.text, isKept: kept !== undefined })
        }
        return { seq, made, value: await also(sql) }
      })
      const head = this.#options.head()
      // Every event between the two was gathered.
      const isCovered = seq >= headBefore && seq <= head && beginning === this.#beginnings
      const rendered = made.map(({ rendering, isKept, ...one }): Rendered => {
        if (isKept) return { ...one, latest: this.current(one) }
        const later = changes.get(one.channel.name)?.filter((event) => event.seq > seq) ?? []
        const isTrue = isCovered && later.every((event) => rendering.apply?.(event))
        if (isTrue) this.#keep(keyOf(one), { rendering, seq, at: performance.now() })
        return { ...one, latest: isTrue ? rendering.text : undefined }
      })
      return { seq, head, rendered, value }
    } finally {
      this.#reads.delete(changes)
    }
  }

  /** The log has a new epoch: the state may be another. Reads in progress count no longer. */
  forget(): void {
    this.#kept.clear()
    this.#beginnings += 1
  }

  /** Keeps only the text of channels without followers, and drops what exceeds the limit. */
  trim(): void {
    let bytes = 0
    for (const [channel, kept] of this.#kept) {
      if (kept.rendering.apply && !this.#options.isFollowed(channel)) {
        this.#kept.set(channel, { ...kept, rendering: textRendering(kept.rendering.text) })
      }
      bytes += kept.rendering.bytes
    }
    for (const [channel, { rendering }] of this.#kept) {
      if (bytes <= (this.#options.maxBytes ?? MAX_BYTES)) break
      this.#kept.delete(channel)
      bytes -= rendering.bytes
    }
  }

  #keep(channel: string, kept: Kept): void {
    this.#kept.delete(channel)
    this.#kept.set(channel, kept)
    this.trim()
  }
}
