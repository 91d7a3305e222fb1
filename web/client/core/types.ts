/** What the parts of the client tell each other, and what users of it see. */

/** One frame of a channel stream. `data` is the payload; `channel` is `*` for what reaches everyone. */
export interface Frame {
  readonly channel: string
  readonly event: string
  readonly data: unknown
  /** Milliseconds since 1970, of the commit. */
  readonly timestamp: number
  /** Cursor of the event (`<epoch>-<seq>`); of the position reached, for what is not stored. */
  readonly id: string
}

/** A value that changes, and who wants to know. `get` gives the same object until something changed. */
export interface Store<T> {
  get(): T
  /** Calls back after every change, not at once. Returns the undo, safe to call twice. */
  subscribe(listener: () => void): () => void
}

export type Phase = 'idle' | 'connecting' | 'open' | 'catching-up' | 'reconnecting' | 'offline' | 'stopped'

/** Why the client gave up, or rests: `unreachable` is tried again, the others need something to change. */
export type StopReason =
  | 'unreachable'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'refused'
  | 'no-content'
  | 'closed'

export interface Status {
  readonly phase: Phase
  /** Failed attempts in a row. */
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly nextRetryAt: number | null
  readonly lastFrameAt: number | null
  readonly lastEventId: string | null
  /** Of this tab, where tabs share one stream. */
  readonly role: 'alone' | 'leader' | 'follower'
  readonly transport: 'eventsource' | 'fetch' | 'ws' | null
  readonly stop?: { readonly reason: StopReason; readonly status?: number; readonly detail?: string } | undefined
  /** What was wrong with the last try, where it is known; gone when the stream is open. */
  readonly detail?: string | undefined
  /** Frames that could not be read, or break their schema, and events of types that this version does not know. */
  readonly unreadable: number
  readonly invalid: number
  readonly unknown: number
}

/** What was missed cannot be had: state must be read anew. */
export interface GapNotice {
  readonly requested: string
  readonly oldest: string
  readonly reason: 'trimmed' | 'epoch' | 'invalid' | 'slow'
}

export interface SubscribeOptions {
  readonly channels: readonly string[]
  /** Event names; `*` at the end of one stands for any ending. Default: all. */
  readonly types?: readonly string[] | undefined
  /** Goes on after this id; `earliest` from the oldest event kept. Default: from now on. */
  readonly since?: string | undefined
  /** When this is the last to leave, the stream is kept for 5 s, for whoever comes next. Default: true; stores have waited. */
  readonly lingers?: boolean | undefined
}

export interface SubscribeHandlers {
  /** Every event once, in order, and snapshots unless `types` leaves them out. What it throws goes to `error`. */
  event?(frame: Frame): void
  gap?(gap: GapNotice): void
  error?(error: Error): void
  /** The subscription stands: everything after `id` is delivered from now on. Before any event, and again after every `gap`. */
  ready?(id: string): void
}
