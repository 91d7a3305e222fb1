/**
 * What hubs of the same server and identity share: one stream, its stores, and requests. Nothing is loaded or opened before
 * something is asked for.
 */
import { fullBackoff, withoutUndefined } from '../base/backoff.ts'
import { systemClock, withLongTimers } from '../base/clock.ts'
import { closed } from '../base/errors.ts'
import { type Auth, type ClientOptions, chooseTransport } from '../base/options.ts'
import { IDLE } from '../base/status.ts'
import { createStore } from '../base/store.ts'
import type { HubCore } from '../base/types.ts'
import type { Requester } from '../requests/request.ts'
import { closeOldest } from '../stores/store-set.ts'
import { createStores, type Stores } from '../stores/stores.ts'
import { select } from '../stream/subscription.ts'
import type { Engine } from './engine.ts'
import { LazyEngine } from './lazy-engine.ts'

export interface Core extends HubCore {
  readonly auth: Auth | undefined
  readonly request: Requester
  readonly stores: Stores
  reconnect(): void
  close(): void
}

export function createCore(baseUrl: string, options: ClientOptions): Core {
  // An object of its own: stores without readers are kept by the clock of their hub. Timeouts may be as long as users want.
  const clock = withLongTimers(options.clock ?? systemClock)
  const transport = chooseTransport(options)
  const auth = typeof options.auth === 'string' ? () => options.auth as string : options.auth
  const status = createStore(IDLE)
  const end = new AbortController()
  const engine = new LazyEngine(importEngine, clock, status)

  async function importEngine(): Promise<() => Engine> {
    const tabs = options.share === 'browser' ? await import('../tabs/tab-source.ts') : undefined
    const { createEngine } = await import('./engine.ts')
    return () => {
      end.signal.throwIfAborted()
      return createEngine({
        baseUrl,
        options,
        auth,
        transport,
        clock,
        status,
        tabs,
        makeRoom: () => closeOldest(clock),
      })
    }
  }

  async function request<T>(...[method, path, body, how, closing = end.signal]: Parameters<Requester>) {
    closing.throwIfAborted()
    const { request } = engine.loaded ?? (await engine.load())
    return request<T>(method, path, body, how, closing)
  }

  const core: HubCore = {
    status,
    clock,
    request,
    subscribe: (what, handlers) => engine.subscribe(select(what), handlers),
  }
  const stores = createStores(core)
  return {
    ...core,
    auth,
    request,
    stores,
    reconnect: () => engine.reconnect(),
    close() {
      end.abort(closed())
      stores.close()
      engine.close()
    },
  }
}

interface SharedCore {
  readonly baseUrl: string
  readonly options: ClientOptions
  readonly core: Core
  hubs: number
}

const DEFAULTS: ClientOptions = { transport: 'auto', share: 'tab', validate: 'off' }

/** The cores of this tab that hubs may share. */
const sharedCores = new Set<SharedCore>()

/** `release` must be called when the hub is closed. The core is closed with its last hub. */
export function acquireCore(
  baseUrl: string,
  options: ClientOptions,
): { readonly core: Core; readonly release: () => void } {
  const isShared = options.share !== 'none'
  const isEqual = (shared: SharedCore) => shared.baseUrl === baseUrl && hasSameOptions(shared.options, options)
  const known = isShared ? [...sharedCores].find(isEqual) : undefined
  const shared = known ?? { baseUrl, options, core: createCore(baseUrl, options), hubs: 0 }
  if (isShared) sharedCores.add(shared)
  shared.hubs += 1
  return {
    core: shared.core,
    release() {
      shared.hubs -= 1
      if (shared.hubs > 0) return
      sharedCores.delete(shared)
      shared.core.close()
    },
  }
}

/** With an `identity`, `auth` is not compared: it may be another function in every call. */
function hasSameOptions(a: ClientOptions, b: ClientOptions): boolean {
  const [left, right] = [withDefaults(a), withDefaults(b)]
  const names = new Set(Object.keys({ ...left, ...right }))
  if (a.identity !== undefined && a.identity === b.identity) names.delete('auth')
  return [...names].every((name) => Object.is(left[name], right[name]))
}

function withDefaults({ backoff, baseUrl: _, ...given }: ClientOptions): Readonly<Record<string, unknown>> {
  return { ...DEFAULTS, ...withoutUndefined(given), ...fullBackoff(backoff) }
}
