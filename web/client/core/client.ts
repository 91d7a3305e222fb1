/** `createClient`: a hub over a core that others may share. */
import type { Stores } from '../stores/stores.ts'
import { checkOptions } from './check-options.ts'
import { closed, misuse } from './errors.ts'
import { iterate, type Subscription } from './frame-queue.ts'
import type { HubCore } from './hub-core.ts'
import type { ClientOptions } from './options.ts'
import type { FrameOf } from './payloads.ts'
import { holdCore } from './registry.ts'
import { createStore } from './store.ts'
import type { Store, SubscribeHandlers, SubscribeOptions } from './types.ts'

/** Handlers of events with these names. */
export interface HandlersOf<Name extends string> extends Omit<SubscribeHandlers, 'event'> {
  event?(frame: FrameOf<Name>): void
}

/** A client of one server. */
export interface Hub extends Omit<HubCore, 'subscribe'>, Omit<Stores, 'close'> {
  /** Of the server, without a slash at the end. */
  readonly baseUrl: string
  /** Calls back with every event once, in order; returns the undo. Events that `types` names have their payloads' types. */
  subscribe<const Name extends string = string>(
    options: SubscribeOptions & { readonly types?: readonly Name[] | undefined },
    handlers: HandlersOf<Name>,
  ): () => void
  subscribe(options: SubscribeOptions): Subscription
  /** Tries at once, whatever the phase, and asks again for what was refused. */
  reconnect(): void
  /** Ends the subscriptions made through this hub. The stream ends with the last hub that shares it. */
  close(): void
}

/** Costs nothing until something is subscribed to: safe to call where pages are rendered on the server. */
export function createClient(options: ClientOptions = {}): Hub {
  const baseUrl = absolute(options.baseUrl)
  checkOptions(options)
  const { core, release } = holdCore(baseUrl, options)
  const { stores } = core
  const undos = new Set<() => void>()
  const end = new AbortController()
  const status = createStore(core.status.get())
  const unwatch = core.status.subscribe(() => status.set(core.status.get()))

  /** `close` is what ends it when this hub is closed; the undo where it is left out. */
  function until(begin: () => () => void, close?: () => void): () => void {
    end.signal.throwIfAborted()
    const undo = begin()
    const closing = close ?? undo
    undos.add(closing)
    return () => {
      undos.delete(closing)
      undo()
    }
  }

  function listen(what: SubscribeOptions, handlers: SubscribeHandlers, close?: () => void): () => void {
    return until(() => core.subscribe(what, handlers), close)
  }

  /** The store, for as long as this hub is not closed. */
  function of<T>({ get, subscribe }: Store<T>): Store<T> {
    return { get, subscribe: (listener) => until(() => subscribe(listener)) }
  }

  function mutation([name, call]: [string, (input: never) => Promise<unknown>]) {
    return [
      name,
      (input: never) => {
        const result = end.signal.aborted ? Promise.reject(end.signal.reason) : call(input)
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
    status,
    clock: core.clock,
    board: (id) => of(stores.board(id)),
    dashboard: (range) => of(stores.dashboard(range)),
    metrics: () => of(stores.metrics()),
    attempt: (id) => of(stores.attempt(id)),
    mutate: Object.fromEntries(Object.entries(stores.mutate).map(mutation)),
    request: (method, path, body, how) => core.request(method, path, body, how, end.signal),
    subscribe,
    reconnect: () => end.signal.aborted || core.reconnect(),
    close() {
      if (end.signal.aborted) return
      end.abort(closed())
      for (const undo of undos) undo()
      unwatch()
      release()
      status.set({ ...status.get(), phase: 'stopped', stop: { reason: 'closed' }, nextRetryAt: null })
    },
  }
}

/** Without a trailing slash. Where there is no page it must be whole. */
function absolute(baseUrl = ''): string {
  const { location } = globalThis as { readonly location?: { readonly origin: string } }
  const url = /^(\/|$)/.test(baseUrl) ? `${location?.origin}${baseUrl}` : baseUrl
  try {
    if (/^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, '')
  } catch {
    // Said below.
  }
  const page = location ? '' : ' (there is no page here)'
  throw misuse(`baseUrl "${baseUrl}" is no address${page}: give http://127.0.0.1:3000, or a path.`)
}
