/**
 * Snapshots: a channel as a whole, with the id that it is exact at. They open a stream, and follow changes at most once per
 * interval.
 *
 *   published event -> renderings (kept, brought up to date or dropped)
 *                   -> throttle -> broadcast -> audiences that follow the channel
 *   newcomer        -> renderings, or one read of all that it wants
 */
import { concernedBy, refreshedBy } from '../../../shared/src/catalogue.ts'
import type { LogEvent } from '../../db/log-event.ts'
import type { Sql } from '../../db/sql.ts'
import type { Store } from '../../db/store.ts'
import type { Audiences } from './audiences.ts'
import { followersOf, follows } from './followers.ts'
import { channelOfKey, Renderings, renderingKey, type Wanted } from './renderings.ts'
import type { Selection, SubscribedChannel, VisibleEvent } from './selection.ts'
import { SnapshotBroadcast } from './snapshot-broadcast.ts'
import { type SnapshotSources, sourceOf } from './snapshot-source.ts'
import { Throttle } from './throttle.ts'

export interface Opening {
  readonly seq: number
  readonly snapshots: readonly VisibleEvent[]
  readonly frames: readonly VisibleEvent[]
}

/** How often unused renderings are dropped. */
const TRIM_EVERY_MS = 1_000

export class Snapshots {
  readonly #bus: Audiences
  readonly #sources: SnapshotSources
  readonly #renderings: Renderings
  readonly #throttle: Throttle
  readonly #timers: NodeJS.Timeout[]

  /** `isTimed`: false for kinds that are not to be rendered because time passed. */
  constructor(
    store: Pick<Store, 'read'>,
    bus: Audiences,
    sources: SnapshotSources,
    onError: (error: unknown) => void,
    isTimed: (kind: string) => boolean = () => true,
  ) {
    this.#bus = bus
    this.#sources = sources
    this.#renderings = new Renderings({
      store,
      head: () => bus.head,
      isFollowed: (channel) => followersOf(bus, sources, channel).length > 0,
    })
    const broadcast = new SnapshotBroadcast(bus, sources, this.#renderings)
    this.#throttle = new Throttle((key) => broadcast.send(key), onError)
    this.#timers = [setInterval(() => this.#renderings.trim(), TRIM_EVERY_MS).unref()]
    for (const [kind, { everyMs }] of Object.entries(sources)) {
      if (everyMs !== undefined && isTimed(kind))
        this.#timers.push(setInterval(() => this.#timePassed(kind), everyMs).unref())
    }
  }

  /** What a fresh stream begins with: all snapshots of its channels, exact at one sequence number. */
  opening(selection: Selection, withFrames: boolean): Promise<Opening> {
    return this.#show(selection, this.#wanted(selection), withFrames)
  }

  /** The snapshots for a listener that missed some of them. */
  due(selection: Selection): Promise<Omit<Opening, 'frames'>> {
    const wanted = this.#wanted(selection, (heard) => follows(this.#sources, heard))
    return this.#show(selection, wanted, false)
  }

  /** To be called with all events, in the turn in which they are published, after that. */
  published(events: readonly LogEvent[]): void {
    const changed = new Set<string>()
    for (const event of events) {
      if (!event.entry) continue
      for (const channel of refreshedBy(event.entry, event.payload)) {
        this.#renderings.changed(channel, event)
        for (const key of this.#stale(channel, event)) changed.add(key)
      }
    }
    if (changed.size === 0) return
    // After the answers to the requests that caused the events, and before a listener that these events left behind takes its
    // next step: it gets this snapshot when it has caught up, and must not get it twice.
    process.nextTick(() => {
      for (const key of changed) this.#request(key)
    })
  }

  /** The log has a new epoch, or events were passed over: what was rendered counts no longer. */
  forget(): void {
    this.#renderings.forget()
  }

  /** No snapshot is rendered after this. */
  stop(): void {
    this.#throttle.stop()
    for (const timer of this.#timers) clearInterval(timer)
  }

  #timePassed(channel: string): void {
    this.#renderings.changed(channel)
    for (const key of this.#stale(channel)) this.#request(key)
  }

  /** The keys of a channel's renderings that somebody listens to, and that an event, or time, made stale. */
  #stale(name: string, event?: LogEvent): Iterable<string> {
    const audiences = this.#bus.audiencesOf(name)
    if (audiences.size === 0) return NONE
    const source = sourceOf(this.#sources, name)
    if (!source?.isPerSubject) return [name]
    const keys = new Set<string>()
    let concerned: readonly string[] | undefined
    for (const { selection } of audiences) {
      const { sees } = selection
      const key = renderingKey(name, source, sees)
      if (keys.has(key)) continue
      if (event && !sees.isAll) {
        concerned ??= concernedBy(event.payload, event.placements)
        if (!concerned.some((channel) => sees.matches(channel))) continue
      }
      keys.add(key)
    }
    return keys
  }

  #request(key: string): void {
    const source = sourceOf(this.#sources, channelOfKey(key))
    if (source) this.#throttle.request(key, source.minIntervalMs)
  }

  async #show(selection: Selection, wanted: readonly Wanted[], withFrames: boolean): Promise<Opening> {
    const framed = withFrames ? selection.channels.filter(({ kind }) => this.#sources[kind]?.opening) : []
    const kept = wanted.map((one) => this.#renderings.current(one))
    if (framed.length === 0 && kept.every((text) => text !== undefined)) {
      const snapshots = wanted.map((one, index) => shown(one, kept[index] ?? ''))
      return { seq: this.#bus.head, snapshots, frames: [] }
    }
    const read = await this.#renderings.read(wanted, (sql) => this.#openingFrames(sql, selection, framed))
    if (framed.length === 0 && read.rendered.every(({ latest }) => latest !== undefined)) {
      const snapshots = read.rendered.map((one) => shown(one, one.latest ?? ''))
      return { seq: read.head, snapshots, frames: [] }
    }
    const snapshots = read.rendered.map((one) => shown(one, one.text))
    return { seq: read.seq, snapshots, frames: read.value }
  }

  async #openingFrames(
    sql: Sql,
    selection: Selection,
    channels: readonly SubscribedChannel[],
  ): Promise<VisibleEvent[]> {
    const frames: VisibleEvent[] = []
    for (const { kind, id, name } of channels) {
      for (const frame of (await this.#sources[kind]?.opening?.(sql, id)) ?? []) {
        if (selection.types.passes(frame.event)) frames.push({ channel: name, ...frame })
      }
    }
    return frames
  }

  #wanted(selection: Selection, isWanted: (heard: SubscribedChannel) => boolean = () => true): Wanted[] {
    return selection.channels.flatMap((channel) => {
      const source = this.#sources[channel.kind]
      if (!source || !isWanted(channel) || !selection.types.passes(source.event)) return []
      return [{ channel, source, sees: selection.sees }]
    })
  }
}

const NONE: readonly string[] = []

function shown({ channel, source }: Wanted, data: string): VisibleEvent {
  return { channel: channel.name, event: source.event, data }
}
