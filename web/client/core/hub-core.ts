/** What stores and mutations get of a hub: all that they need, and nothing of how it is done. */
import type { Clock } from './clock.ts'
import type { Status, Store, SubscribeHandlers, SubscribeOptions } from './types.ts'

export interface RequestOptions {
  /** Default for POST: one that is drawn for this call. The same key and body again is carried out once. */
  readonly idempotencyKey?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Tries after the first, of what can be repeated (GET, and POST under its key). Default: 5. */
  readonly retries?: number | undefined
}

export interface Reply<T> {
  readonly status: number
  readonly body: T
  /** Of the last event that a mutation committed; null where the answer has none. */
  readonly eventId: string | null
}

export interface HubCore {
  readonly status: Store<Status>
  readonly clock: Clock
  /**
   * `ready(id)` comes before any event: everything after `id` is delivered from now on. After a `gap` it comes again, with
   * another id, and what was known is void. An `error` of BoardcastError `refused` means that the subscription is over.
   */
  subscribe(options: SubscribeOptions, handlers: SubscribeHandlers): () => void
  /**
   * A request under /api/v1 (`path` begins with a slash), with credentials and, for POST, an Idempotency-Key. What the
   * network, a 429 or a 503 kept from being done is tried again under the same key; a refusal throws a BoardcastError.
   */
  request<T>(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Reply<T>>
}
