/** Where frames come from: the stream of this tab, or that of another. */
import type { BoardcastError } from './errors.ts'
import type { Frame, GapNotice, Status, Store } from './types.ts'

/**
 * What a source tells, in the order of the stream. Everything up to the last mark has been told; frames after it may come
 * again when the stream is cut (of an event with several names only the last frame marks).
 */
export interface SourceListener {
  /** An event, or a snapshot. `marks`: everything up to its id has been told. */
  frame(frame: Frame, marks: boolean): void
  /** Everything up to here has been told. */
  mark(id: string): void
  /** From now on exactly these channels are told of, each from `position` on. */
  covered(channels: ReadonlySet<string>, position: string): void
  /** What was missed is lost. `covered` follows, with the position to start again from. */
  gap(notice: GapNotice): void
  /** These channels cannot be had. They are not asked for again until nobody wants them any more, or `reconnect`. */
  refused(channels: readonly string[], error: BoardcastError): void
}

export interface Source {
  readonly status: Store<Status>
  /** The channels that are wanted from now on, and names of events that only their readers know. */
  want(channels: ReadonlySet<string>, names: ReadonlySet<string>): void
  reconnect(): void
  close(): void
}
