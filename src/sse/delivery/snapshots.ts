/**
 * Snapshots: whole state, rendered from the database at one instant and sent with the position of that instant. They
 * open a stream, and follow changes at most once per interval; the last change is never lost, because a change that
 * comes within the interval is rendered at its end.
 *
 * A transport knows nothing of boards: what can be rendered is passed in, per kind of channel.
 */
import type { ChannelKind } from '../../../shared/src/channels.ts'
import type { Snapshot } from '../../db/snapshot.ts'
import type { Sql } from '../../db/sql.ts'
import type { Store } from '../../db/store.ts'
import type { Audiences } from './audiences.ts'
import type { Heard, Selection, Shown } from './selection.ts'

export interface SnapshotSource {
  /** The wire name. */
  readonly event: string
  readonly minIntervalMs: number
  /** Whether listeners with the `diff` view get it on opening only. */
  readonly hasDiffView: boolean
  /** Rendered anew so often while somebody listens, because time alone changes it; for kinds that are one channel. */
  readonly everyMs?: number
  /**
   * How long a rendered one may serve newcomers while nothing at all was committed; Infinity where `refresh` tells of
   * every change, and time is none.
   */
  readonly maxAgeMs: number
  /** JSON text, or null when the thing does not exist. */
  render(sql: Sql, id: string): Promise<string | null>
  /** Events that follow the snapshot when a stream of its own opens. */
  opening?(sql: Sql, id: string): Promise<ReadonlyArray<{ event: string; data: string }>>
}

export type SnapshotSources = Readonly<Partial<Record<ChannelKind, SnapshotSource>>>

export interface Opening {
  readonly position: number
  readonly snapshots: readonly Shown[]
  readonly frames: readonly Shown[]
}

interface Rendered {
  readonly data: string
  /** By the clock of `performance.now()`. */
  readonly at: number
  readonly position: number
}

/** Bounds what is kept for newcomers. */
const MAX_CACHED = 64

export class Snapshots {
  readonly #store: Store
  readonly #bus: Audiences
  readonly #sources: SnapshotSources
  readonly #onError: (error: unknown) => void
  /** Rendered texts that no change has made stale. */
  readonly #fresh = new Map<string, Rendered>()
  /** Channels within the interval after a snapshot, or waiting for one. */
  readonly #intervals = new Map<string, { timer: NodeJS.Timeout | null; stale: boolean }>()

  readonly #timers: NodeJS.Timeout[] = []
  #isStopped = false

  constructor(store: Store, bus: Audiences, sources: SnapshotSources, onError: (error: unknown) => void) {
    this.#store = store
    this.#bus = bus
    this.#sources = sources
    this.#onError = onError
    for (const [kind, { everyMs }] of Object.entries(sources)) {
      if (everyMs !== undefined) this.#timers.push(setInterval(() => this.refresh(kind), everyMs).unref())
    }
  }

  /** What a fresh stream begins with: all snapshots of its channels, exact at one position. */
  async opening(selection: Selection, withFrames: boolean): Promise<Opening> {
    return this.#store.read(async (snapshot) => {
      const { sql, head: position } = snapshot
      const snapshots = await this.#render(snapshot, selection, () => true)
      const frames: Shown[] = []
      for (const { kind, id, name } of withFrames ? selection.channels : []) {
        for (const frame of (await this.#sources[kind]?.opening?.(sql, id)) ?? []) {
          if (selection.types.passes(frame.event)) frames.push({ channel: name, ...frame })
        }
      }
      return { position, snapshots, frames }
    })
  }

  /** The snapshots that a listener who missed some of them is owed. */
  async due(selection: Selection): Promise<Omit<Opening, 'frames'>> {
    return this.#store.read(async (snapshot) => ({
      position: snapshot.head,
      snapshots: await this.#render(snapshot, selection, (heard) => this.#follows(heard)),
    }))
  }

  /** Something changed on a channel. Costs nothing when nobody listens to it. */
  refresh(channel: string): void {
    this.#fresh.delete(channel)
    if (this.#isStopped || this.#bus.audiencesOf(channel).size === 0) return
    const interval = this.#intervals.get(channel)
    if (interval) {
      interval.stale = true
      return
    }
    this.#intervals.set(channel, { timer: null, stale: false })
    void this.#send(channel)
  }

  /** No snapshot is sent after this. */
  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers) clearInterval(timer)
    for (const { timer } of this.#intervals.values()) if (timer) clearTimeout(timer)
    this.#intervals.clear()
  }

  async #send(channel: string): Promise<void> {
    const interval = this.#intervals.get(channel)
    if (!interval) return
    interval.stale = false
    interval.timer = setTimeout(() => this.#intervalOver(channel), this.#minIntervalMs(channel))
    try {
      await this.#store.read((snapshot) => this.#publish(snapshot, channel))
    } catch (error) {
      // Tried again after the interval; listeners keep the state they have, whose id says what it is.
      interval.stale = true
      this.#onError(error)
    }
  }

  #intervalOver(channel: string): void {
    const interval = this.#intervals.get(channel)
    if (!interval) return
    if (interval.stale && this.#bus.audiencesOf(channel).size > 0) void this.#send(channel)
    else this.#intervals.delete(channel)
  }

  async #publish(snapshot: Snapshot, channel: string): Promise<void> {
    const wanting = [...this.#bus.audiencesOf(channel)].flatMap((audience) => {
      const heard = audience.selection.channels.find(({ name }) => name === channel)
      return heard && audience.liveCount > 0 && this.#follows(heard) ? [{ audience, heard }] : []
    })
    for (const { audience, heard } of wanting) {
      const source = this.#sources[heard.kind]
      if (!source || !audience.selection.types.passes(source.event)) continue
      const data = await this.#text(snapshot, source, heard)
      // Older than what the listeners have seen would turn their ids back.
      if (this.#bus.head !== snapshot.head) throw new Error('a snapshot was overtaken by a publication')
      if (data === null) return
      audience.publishUnstored({ channel, event: source.event, data }, snapshot.head, true)
      audience.flush()
    }
  }

  async #render(snapshot: Snapshot, selection: Selection, wanted: (heard: Heard) => boolean): Promise<Shown[]> {
    const snapshots: Shown[] = []
    for (const heard of selection.channels) {
      const source = this.#sources[heard.kind]
      if (!source || !wanted(heard) || !selection.types.passes(source.event)) continue
      const data = await this.#text(snapshot, source, heard)
      if (data !== null) snapshots.push({ channel: heard.name, event: source.event, data })
    }
    return snapshots
  }

  async #text({ sql, head }: Snapshot, source: SnapshotSource, heard: Heard): Promise<string | null> {
    const fresh = this.#fresh.get(heard.name)
    if (fresh && isFresh(fresh, source, head)) return fresh.data
    const data = await source.render(sql, heard.id)
    if (data === null) return null
    if (this.#fresh.size >= MAX_CACHED) this.#fresh.delete(this.#fresh.keys().next().value ?? '')
    this.#fresh.set(heard.name, { data, at: performance.now(), position: head })
    return data
  }

  #follows({ kind, view }: Heard): boolean {
    const source = this.#sources[kind]
    return source !== undefined && !(source.hasDiffView && view === 'diff')
  }

  #minIntervalMs(channel: string): number {
    for (const audience of this.#bus.audiencesOf(channel)) {
      const heard = audience.selection.channels.find(({ name }) => name === channel)
      const source = heard && this.#sources[heard.kind]
      if (source) return source.minIntervalMs
    }
    return 0
  }
}

/** Until a change is told, where changes are all there is; else at the same position, and for a time. */
function isFresh(fresh: Rendered, { maxAgeMs }: SnapshotSource, position: number): boolean {
  if (maxAgeMs === Infinity) return true
  return position === fresh.position && performance.now() - fresh.at <= maxAgeMs
}
