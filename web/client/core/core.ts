/** One stream, its readers and its stores: what hubs of the same server and identity share. */
import { createStores, type Stores } from '../stores/stores.ts'
import { fullBackoff } from './backoff.ts'
import { systemClock } from './clock.ts'
import { BoardcastError } from './errors.ts'
import type { HubCore, Reply } from './hub-core.ts'
import { lazySource } from './lazy-source.ts'
import type { ClientOptions } from './options.ts'
import { createReaders } from './readers.ts'
import type { SourceListener } from './source.ts'
import { IDLE } from './status.ts'
import { createStore } from './store.ts'
import { tabsHere } from './tab-messages.ts'
import { transportFor } from './transports.ts'
import type { Frame } from './types.ts'

export interface Core extends HubCore {
  readonly stores: Stores
  reconnect(): void
  close(): void
}

export function createCore(baseUrl: string, options: ClientOptions): Core {
  const { clock = systemClock, backoff, heartbeatTimeoutMs, validate = 'off' } = options
  if (options.share === 'browser' && options.auth && options.identity === undefined) {
    throw new BoardcastError(
      'misuse',
      "share: 'browser' with auth needs identity, such as the user's id: tabs of two users must not share a stream.",
    )
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
  const engine = () => import('./engine.ts')
  let requester: HubCore['request'] | undefined
  async function request<T>(...asked: Parameters<HubCore['request']>): Promise<Reply<T>> {
    requester ??= (await engine()).createRequester({ baseUrl, fetch, auth, clock })
    return requester<T>(...asked)
  }
  let behind = 0
  let invalid = 0
  const readers = createReaders({
    clock,
    readPage: async (query, signal) => (await engine()).readPage(request, query, signal),
    mayPass(frame) {
      if (isValid?.(frame) ?? true) return true
      invalid += 1
      show()
      return validate !== 'strict'
    },
    onBehind(count) {
      behind = count
      show()
    },
  })
  const transport = transportFor(options, fetch)
  const tabs = options.share === 'browser' ? tabsHere() : undefined
  const source = lazySource(async () => {
    const { createConnection, probe } = await engine()
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
        probe: (channels) => probe({ baseUrl, fetch, auth, clock }, channels),
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
    stores,
    reconnect: () => source.reconnect(),
    close() {
      stores.close()
      readers.close()
      source.close()
    },
  }
}
