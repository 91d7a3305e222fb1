/** `createClient`: a hub over a core that other hubs may share. */
import { closed, misuse } from '../base/errors.ts'
import { type Auth, type ClientOptions, checkOptions } from '../base/options.ts'
import { createStore } from '../base/store.ts'
import type { HubCore, Store, SubscribeHandlers, SubscribeOptions } from '../base/types.ts'
import type { Stores } from '../stores/stores.ts'
import { iterate, type Subscription } from '../stream/subscription.ts'
import { acquireCore } from './core.ts'
import type { FrameOf } from './payloads.ts'

/** Handlers of events with these names. */
export interface HandlersOf<Name extends string> extends Omit<SubscribeHandlers, 'event'> {
  event?(frame: FrameOf<Name>): void
}

/** A client of one server. */
export interface Hub extends Omit<HubCore, 'subscribe'>, Omit<Stores, 'close'> {
  /** The server's address, without a slash at the end. */
  readonly baseUrl: string
  /** Returns the credentials of the hub, for connections of your own. */
  readonly auth: Auth | undefined
  /**
   * Calls back with every event once, in order. Returns the unsubscribe function. Events that `types` names have the types
   * of their payloads.
   */
  subscribe<const Name extends string = string>(
    options: SubscribeOptions & { readonly types?: readonly Name[] | undefined },
    handlers: HandlersOf<Name>,
  ): () => void
  subscribe(options: SubscribeOptions): Subscription
  /** Connects at once, whatever the phase, and requests again what was refused. */
  reconnect(): void
  /** Ends everything that was started through this hub. The stream ends with the last hub that shares it. */
  close(): void
}

/** Loads and opens nothing, so it is safe to call where pages are rendered on a server. */
export function createClient(options: ClientOptions = {}): Hub {
  const baseUrl = absolute(options.baseUrl)
  checkOptions(options)
  const { core, release } = acquireCore(baseUrl, options)
  const { stores } = core
  /** Ends everything that is still open when the hub closes. */
  const ends = new Set<() => void>()
  const closing = new AbortController()
  const status = createStore(core.status.get())
  const unwatch = core.status.subscribe(() => status.set(core.status.get()))

  /** Ends with the returned function, or when the hub closes. `onClose` is called then instead, if given. */
  function untilClosed(begin: () => () => void, onClose?: () => void): () => void {
    closing.signal.throwIfAborted()
    const end = begin()
    const endOnClose = onClose ?? end
    ends.add(endOnClose)
    return () => {
      ends.delete(endOnClose)
      end()
    }
  }

  function listen(what: SubscribeOptions, handlers: SubscribeHandlers, onClose?: () => void): () => void {
    return untilClosed(() => core.subscribe(what, handlers), onClose)
  }

  function storeUntilClosed<T>({ get, subscribe }: Store<T>): Store<T> {
    return { get, subscribe: (listener) => untilClosed(() => subscribe(listener)) }
  }

  function mutation([name, call]: [string, (input: never) => Promise<unknown>]) {
    return [
      name,
      (input: never) => {
        const result = closing.signal.aborted ? Promise.reject(closing.signal.reason) : call(input)
        result.catch(() => undefined)
        return result
      },
    ]
  }

  function subscribe(what: SubscribeOptions, handlers: SubscribeHandlers): () => void
  function subscribe(what: SubscribeOptions): Subscription
  function subscribe(what: SubscribeOptions, handlers?: SubscribeHandlers): (() => void) | Subscription {
    if (handlers) return listen(what, handlers)
    const reading: Subscription = iterate((made) => listen(what, made, () => void reading.return()), core.clock.now)
    return reading
  }

  return {
    baseUrl,
    auth: core.auth,
    status,
    clock: core.clock,
    board: (id) => storeUntilClosed(stores.board(id)),
    dashboard: (range) => storeUntilClosed(stores.dashboard(range)),
    metrics: () => storeUntilClosed(stores.metrics()),
    attempt: (id) => storeUntilClosed(stores.attempt(id)),
    mutate: Object.fromEntries(Object.entries(stores.mutate).map(mutation)),
    request: (method, path, body, how) => core.request(method, path, body, how, closing.signal),
    subscribe,
    reconnect: () => closing.signal.aborted || core.reconnect(),
    close() {
      if (closing.signal.aborted) return
      closing.abort(closed())
      for (const end of ends) end()
      unwatch()
      release()
      status.set({ ...status.get(), phase: 'stopped', stop: { reason: 'closed' }, nextRetryAt: null })
    },
  }
}

/** Without a slash at the end. Where there is no page, the address must be absolute. */
function absolute(baseUrl = ''): string {
  const { location } = globalThis as { readonly location?: { readonly origin: string } }
  const url = /^(\/|$)/.test(baseUrl) ? `${location?.origin}${baseUrl}` : baseUrl
  try {
    if (/^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, '')
  } catch {
    // Reported below.
  }
  const page = location ? '' : ' (there is no page here)'
  throw misuse(`baseUrl "${baseUrl}" is not an address${page}: use http://127.0.0.1:3000, or a path.`)
}
