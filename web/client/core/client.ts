/** `createClient`: a hub over a core that others may share. */
import type { Stores } from '../stores/stores.ts'
import { BoardcastError } from './errors.ts'
import { iterate, type Subscription } from './frame-queue.ts'
import type { HubCore } from './hub-core.ts'
import type { ClientOptions } from './options.ts'
import type { FrameOf } from './payloads.ts'
import { holdCore } from './registry.ts'
import type { SubscribeHandlers, SubscribeOptions } from './types.ts'

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
  const { core, release } = holdCore(baseUrl, options)
  const undos = new Set<() => void>()
  let isClosed = false

  function listen(what: SubscribeOptions, handlers: SubscribeHandlers): () => void {
    if (isClosed) throw new BoardcastError('closed', 'This hub was closed: subscribe through another.')
    const undo = core.subscribe(what, handlers)
    undos.add(undo)
    return () => {
      undos.delete(undo)
      undo()
    }
  }

  function subscribe(what: SubscribeOptions, handlers: SubscribeHandlers): () => void
  function subscribe(what: SubscribeOptions): Subscription
  function subscribe(what: SubscribeOptions, handlers?: SubscribeHandlers): (() => void) | Subscription {
    return handlers ? listen(what, handlers) : iterate((made) => listen(what, made), core.clock.now)
  }

  return {
    ...core.stores,
    baseUrl,
    status: core.status,
    clock: core.clock,
    request: core.request,
    subscribe,
    reconnect: core.reconnect,
    close() {
      if (isClosed) return
      isClosed = true
      for (const undo of undos) undo()
      release()
    },
  }
}

/** Without a trailing slash. Where there is no page it must be whole. */
function absolute(baseUrl = ''): string {
  const { location } = globalThis as { readonly location?: { readonly origin: string } }
  const url = /^https?:/.test(baseUrl) ? baseUrl : `${location?.origin ?? ''}${baseUrl}`
  return url.replace(/\/+$/, '')
}
