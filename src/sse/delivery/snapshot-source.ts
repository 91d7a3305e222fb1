/**
 * What snapshots are made of. Streams know nothing of boards: what a kind of channel can show as a whole is passed in.
 */
import { type ChannelKind, parseChannel } from '../../../shared/src/channels.ts'
import type { ChannelPatterns } from '../../base/channel-patterns.ts'
import type { LogEvent } from '../../db/log-event.ts'
import type { Sql } from '../../db/sql.ts'

/** A channel as a whole, at one sequence number. */
export interface Rendering {
  /** JSON text. */
  readonly text: string
  /** Roughly the memory that it takes. */
  readonly bytes: number
  /**
   * Applies an event that changed the channel after this rendering. False when it must be rendered anew, as always where
   * there is no such method.
   */
  apply?(event: LogEvent): boolean
}

export interface SnapshotSource {
  /** The wire name. */
  readonly event: string
  readonly minIntervalMs: number
  /**
   * Whether listeners with the `diff` view get it on opening only and apply events to it. It must then be exact at its id.
   */
  readonly hasDiffView: boolean
  /** Rendered anew so often while somebody listens, because time alone changes it; for kinds that are one channel. */
  readonly everyMs?: number
  /**
   * How long a rendering may serve newcomers while nothing at all was committed; Infinity where events announce every
   * change, and time is none.
   */
  readonly maxAgeMs: number
  /**
   * It shows only what the subject may see: subjects with different rights get different renderings, and a change that a
   * subject may not see refreshes nothing for it. `maxAgeMs` must be finite.
   */
  readonly isPerSubject?: true
  /** Null when there is no such thing. `sees`: the channels that the subject has a right to. */
  render(sql: Sql, id: string, sees: ChannelPatterns): Promise<Rendering | null>
  /** Events that follow the snapshot when a stream with one channel opens. */
  opening?(sql: Sql, id: string): Promise<ReadonlyArray<{ event: string; data: string }>>
}

export type SnapshotSources = Readonly<Partial<Record<ChannelKind, SnapshotSource>>>

/** What renders the channel with this name; undefined for channels without a snapshot. */
export function sourceOf(sources: SnapshotSources, name: string): SnapshotSource | undefined {
  const channel = parseChannel(name)
  return channel ? sources[channel.kind] : undefined
}

/** A rendering that every change replaces. */
export function textRendering(text: string): Rendering {
  return { text, bytes: 2 * text.length }
}
