/** The types that users of the library see, and the interfaces between its layers. */
import type { Clock } from './clock.ts'
import type { BoardcastError } from './errors.ts'

/** One event as the stream carries it. `data` is the payload; `channel` is `*` for events that reach everyone. */
export interface Frame {
  readonly channel: string
  readonly event: string
  readonly data: unknown
  /** When the event was committed, in milliseconds since 1970. */
  readonly timestamp: number
  /** The event's id (`<epoch>-<seq>`). On frames that are not stored: the id of the last stored event before it. */
  readonly id: string
  /** Who caused it; null if nobody is known. Frames that are not stored, and older servers, leave it out. */
  readonly actor?: string | null
}

/** A value that changes over time. `get` returns the same object until something changes. */
export interface Store<T> {
  get(): T
  /** Calls back after every change, not at once. Returns the unsubscribe function, which is safe to call twice. */
  subscribe(listener: () => void): () => void
}

export type Phase = 'idle' | 'connecting' | 'open' | 'catching-up' | 'reconnecting' | 'offline' | 'stopped'

/** Why the client stopped. It keeps trying after `unreachable`; the other reasons need something to change first. */
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
  /** The role of this tab when tabs share one stream. */
  readonly role: 'alone' | 'leader' | 'follower'
  readonly transport: 'eventsource' | 'fetch' | 'ws' | null
  readonly stop?: { readonly reason: StopReason; readonly status?: number; readonly detail?: string } | undefined
  /** What went wrong with the last attempt, if known. Cleared when the stream opens. */
  readonly detail?: string | undefined
  /** How many frames could not be parsed, did not match their schema, or have a type that this version does not know. */
  readonly unreadable: number
  readonly invalid: number
  readonly unknown: number
}

/** Events were missed that the server no longer has: state must be read again. */
export interface GapNotice {
  readonly requested: string
  readonly oldest: string
  readonly reason: 'trimmed' | 'epoch' | 'invalid' | 'slow'
}

export interface SubscribeOptions {
  readonly channels: readonly string[]
  /** Event names; a trailing `*` matches any suffix. Default: all. */
  readonly types?: readonly string[] | undefined
  /** Start after this id, or with the oldest event that is kept (`earliest`). Default: from now on. */
  readonly since?: string | undefined
  /**
   * Whether the stream is kept for 5 s when this is the last subscription to end, so that the next one finds it open.
   * Default: true. Stores pass false, because they have waited already.
   */
  readonly lingers?: boolean | undefined
}

export interface SubscribeHandlers {
  /** Gets every event once, in order, and snapshots unless `types` excludes them. If it throws, `error` gets the error. */
  event?(frame: Frame): void
  gap?(gap: GapNotice): void
  error?(error: Error): void
  /** Every event after `id` will be delivered. Called before the first event, and again after every `gap`. */
  ready?(id: string): void
}

export interface RequestOptions {
  /** Default for POST: a random key for this call. The same key and body is carried out once, however often it is sent. */
  readonly idempotencyKey?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** How often a request that is safe to repeat (GET, and POST with its key) is retried. Default: 5. */
  readonly retries?: number | undefined
}

export interface Reply<T> {
  readonly status: number
  readonly body: T
  /** The id of the last event that a mutation committed; null if the answer has none. */
  readonly eventId: string | null
}

/** The part of a hub that stores and mutations need. */
export interface HubCore {
  readonly status: Store<Status>
  readonly clock: Clock
  /**
   * `ready(id)` comes before any event: every event after `id` will be delivered. After a `gap` it comes again with another
   * id, and what was known before is void. An `error` with the code `refused` means that the subscription has ended.
   */
  subscribe(options: SubscribeOptions, handlers: SubscribeHandlers): () => void
  /**
   * A request under /api/v1 (`path` begins with a slash), with credentials and, for POST, an Idempotency-Key. Network
   * failures, 429 and 503 are retried under the same key; a refusal throws a BoardcastError.
   */
  request<T>(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Reply<T>>
}

/**
 * Where the frames of a stream go, in the order of the stream. A checkpoint says that every event up to its id has been
 * delivered. Frames after the last checkpoint may come again when the stream is cut: of an event with several names, only
 * the last frame is a checkpoint.
 */
export interface StreamListener {
  /** An event or a snapshot. */
  frame(frame: Frame, isCheckpoint: boolean): void
  checkpoint(id: string): void
  /** From now on the stream carries exactly these channels, each from `cursor` on. */
  covered(channels: ReadonlySet<string>, cursor: string): void
  /** Missed events are lost. `covered` follows, with the cursor to start again from. */
  gap(notice: GapNotice): void
  /** These channels were refused. They are not requested again until everyone has unsubscribed from them, or `reconnect`. */
  refused(channels: readonly string[], error: BoardcastError): void
}

/** A stream: this tab's own, or one that another tab relays. */
export interface StreamSource {
  readonly status: Store<Status>
  /** The channels that are wanted from now on, and event names that are not in the catalogue. */
  want(channels: ReadonlySet<string>, names: ReadonlySet<string>): void
  reconnect(): void
  close(): void
}
