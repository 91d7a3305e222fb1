/** One stream, its readers and its stores: what hubs of the same server and identity share. */
import { createStores, type Stores } from '../stores/stores.ts'
import { fullBackoff } from './backoff.ts'
import { type Clock, systemClock } from './clock.ts'
import { closed, misuse } from './errors.ts'
import type { Freshness } from './freshness.ts'
import type { HubCore } from './hub-core.ts'
import { lazySource } from './lazy-source.ts'
import type { ClientOptions } from './options.ts'
import { createReaders } from './readers.ts'
import type { Requester } from './request.ts'
import { closeOldest } from './shared-by-count.ts'
import type { SourceListener } from './source.ts'
import { IDLE } from './status.ts'
import { createStore } from './store.ts'
import { tabsHere } from './tab-messages.ts'
import { chosenTransport } from './transport-choice.ts'
import type { Frame } from './types.ts'

export interface Core extends HubCore {
  /** `closing` ends it, in place of the end of this core. */
  readonly request: Requester
  readonly stores: Stores
  reconnect(): void
  close(): void
}

export function createCore(baseUrl: string, options: ClientOptions): Core {
  const { clock: time = systemClock, backoff, heartbeatTimeoutMs, validate = 'off' } = options
  // Of its own: what is kept for a while is known by the clock of its hub.
  const clock: Clock = {
    now: () => time.now(),
    setTimeout: (callback, ms) => time.setTimeout(callback, ms),
    clearTimeout: (timer) => time.clearTimeout(timer),
  }
  if (options.share === 'browser' && options.auth && options.identity === undefined) {
    throw misuse("share: 'browser' with auth needs identity, such as the user's id.")
  }
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...request) => globalThis.fetch(...request))
  let isValid: ((frame: Frame) => boolean) | undefined
  const ready =
    validate === 'off'
      ? undefined
      : import('./validate.ts').then((module) => {
          isValid = module.isValid
        })
  // Nothing is asked for before it can be judged.
  const auth = ready ? () => ready.then(options.auth) : options.auth
  let loaded: typeof import('./engine.ts') | undefined
  async function engine() {
    loaded ??= await import('./engine.ts')
    return loaded
  }
  const end = new AbortController()
  let fresh: Freshness | undefined
  async function request<T>(...[method, path, body, how, closing = end.signal]: Parameters<Requester>) {
    closing.throwIfAborted()
    if (!fresh) {
      const { createRequester, keepFresh } = await engine()
      fresh ??= keepFresh(createRequester({ baseUrl, fetch, auth, clock }), () => readers.position)
    }
    return fresh.request<T>(method, path, body, how, closing)
  }
  let behind = 0
  let invalid = 0
  const readers = createReaders({
    clock,
    readPage: async (query, signal) => (await engine()).readPage(request, query, signal),
    shownOn: (...shown) => loaded?.shownOn(...shown),
    mayPass(frame) {
      if (isValid?.(frame) ?? true) return true
      invalid += 1
      show()
      return validate !== 'strict'
    },
    makeRoom: () => closeOldest(clock),
    onBehind(count) {
      behind = count
      show()
    },
    onGap: () => fresh?.reset(),
  })
  const chosen = chosenTransport(options)
  const tabs = options.share === 'browser' ? tabsHere() : undefined
  const source = lazySource(async () => {
    const { createConnection, probe, transportFor } = await engine()
    const transport = transportFor(chosen, fetch, options.fetch !== undefined)
    const connect = (listener: SourceListener, position: string | null) =>
      createConnection({
        baseUrl,
        transport,
        auth,
        clock,
        backoff: fullBackoff(backoff),
        heartbeatTimeoutMs,
        listener,
        position,
        probe: (channels) => probe({ baseUrl, fetch, auth, clock, transport: chosen.name }, channels),
      })
    if (!tabs) return () => connect(readers.listener, null)
    const { createSharedSource } = await import('./shared-source.ts')
    const name = `boardcast ${baseUrl} ${options.identity ?? ''}`
    return () => createSharedSource({ name, tabs, clock, listener: readers.listener, idle: IDLE, connect })
  }, clock)
  readers.attach(source)
  const status = createStore(source.status.get())
  source.status.subscribe(show)

  /** Where readers read what they missed, that is said. */
  function show(): void {
    const now = source.status.get()
    const phase = now.phase === 'open' && behind > 0 ? 'catching-up' : now.phase
    status.set(phase === now.phase && invalid === 0 ? now : { ...now, phase, invalid })
  }

  const core: HubCore = { status, clock, request, subscribe: readers.subscribe }
  const stores = createStores(core)
  return {
    ...core,
    request,
    stores,
    reconnect: () => source.reconnect(),
    close() {
      end.abort(closed())
      stores.close()
      readers.close()
      source.close()
    },
  }
}
