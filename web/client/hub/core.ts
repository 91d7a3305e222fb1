/**
 * What hubs of the same server and identity share: one stream, its stores, and requests. Nothing is loaded or opened before
 * something is asked for.
 */
import { DEFAULT_BACKOFF, delayMs, fullBackoff, withoutUndefined } from '../base/backoff.ts'
import { systemClock, withLongTimers } from '../base/clock.ts'
import { closed } from '../base/errors.ts'
import { type ClientOptions, chooseTransport } from '../base/options.ts'
import { IDLE } from '../base/status.ts'
import { createStore } from '../base/store.ts'
import type { HubCore, SubscribeHandlers } from '../base/types.ts'
import type { Requester } from '../requests/request.ts'
import { closeOldest } from '../stores/store-set.ts'
import { createStores, type Stores } from '../stores/stores.ts'
import { type Selection, select } from '../stream/subscription.ts'
import type { Engine } from './engine.ts'

export interface Core extends HubCore {
  readonly request: Requester
  readonly stores: Stores
  reconnect(): void
  close(): void
}

/** A subscription from before the engine was loaded. */
interface EarlySubscription {
  readonly selection: Selection
  readonly handlers: SubscribeHandlers
  unsubscribe?: () => void
}

export function createCore(baseUrl: string, options: ClientOptions): Core {
  // An object of its own: stores without readers are kept by the clock of their hub. Timeouts may be as long as users want.
  const clock = withLongTimers(options.clock ?? systemClock)
  const transport = chooseTransport(options)
  const status = createStore(IDLE)
  const end = new AbortController()
  const early = new Set<EarlySubscription>()
  let engine: Engine | undefined
  let loading: Promise<Engine> | undefined
  let isStarting = false
  let failures = 0
  let retry: unknown

  async function importEngine(): Promise<Engine> {
    const tabs = options.share === 'browser' ? await import('../tabs/tab-source.ts') : undefined
    const { createEngine } = await import('./engine.ts')
    end.signal.throwIfAborted()
    const makeRoom = () => closeOldest(clock)
    engine = createEngine({ baseUrl, options, transport, clock, status, tabs, makeRoom })
    return engine
  }

  function loadEngine(): Promise<Engine> {
    loading ??= importEngine().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }

  /** Loads the engine for the early subscriptions, and tries again until it is loaded. */
  function start(): void {
    clock.clearTimeout(retry)
    if (isStarting) return
    isStarting = true
    if (failures === 0) status.set({ ...IDLE, phase: 'connecting' })
    loadEngine().then(
      (loaded) => {
        isStarting = false
        if (early.size === 0) status.set(IDLE)
        for (const subscription of early) {
          subscription.unsubscribe = loaded.subscribe(subscription.selection, subscription.handlers)
        }
        early.clear()
      },
      () => {
        isStarting = false
        if (end.signal.aborted) return
        if (early.size === 0) {
          status.set(IDLE)
          return
        }
        failures += 1
        status.set({ ...IDLE, phase: 'reconnecting', attempt: failures })
        retry = clock.setTimeout(start, delayMs(DEFAULT_BACKOFF, failures))
      },
    )
  }

  function subscribe(...[what, handlers]: Parameters<HubCore['subscribe']>): () => void {
    const selection = select(what)
    if (engine && early.size === 0) return engine.subscribe(selection, handlers)
    const subscription: EarlySubscription = { selection, handlers }
    early.add(subscription)
    if (early.size === 1) start()
    return () => {
      early.delete(subscription)
      subscription.unsubscribe?.()
    }
  }

  async function request<T>(...[method, path, body, how, closing = end.signal]: Parameters<Requester>) {
    closing.throwIfAborted()
    const { request } = engine ?? (await loadEngine())
    return request<T>(method, path, body, how, closing)
  }

  const core: HubCore = { status, clock, request, subscribe }
  const stores = createStores(core)
  return {
    ...core,
    request,
    stores,
    reconnect() {
      if (engine) engine.reconnect()
      else if (early.size > 0) start()
    },
    close() {
      end.abort(closed())
      clock.clearTimeout(retry)
      stores.close()
      if (engine) engine.close()
      else status.set({ ...IDLE, phase: 'stopped', stop: { reason: 'closed' } })
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
