/**
 * The part of a client that talks to the server: the connection, its readers, and requests. It is loaded as one module with
 * the first call that needs it, so that nothing has to be loaded when the network is in trouble.
 */
import { fullBackoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type {
  Auth,
  ChosenTransport,
  ClientOptions,
  EventSourceMaker,
  TransportName,
  WebSocketMaker,
} from '../base/options.ts'
import { IDLE } from '../base/status.ts'
import type { WritableStore } from '../base/store.ts'
import type { Frame, Status, StreamListener, StreamSource, SubscribeHandlers } from '../base/types.ts'
import { Connection } from '../connection/connection.ts'
import { probe } from '../connection/probe.ts'
import type { OpenStream, Transport } from '../connection/transport.ts'
import { keepFresh } from '../requests/freshness.ts'
import { createRequester, type Requester } from '../requests/request.ts'
import { readPage } from '../stream/pages.ts'
import { SharedStream } from '../stream/shared-stream.ts'
import type { Selection } from '../stream/subscription.ts'
import type * as tabSources from '../tabs/tab-source.ts'

export interface EngineOptions {
  readonly baseUrl: string
  readonly options: ClientOptions
  readonly auth: Auth | undefined
  readonly transport: ChosenTransport
  readonly clock: Clock
  /** Where the status of the stream is shown. */
  readonly status: WritableStore<Status>
  /** Shares the stream with other tabs, if given. */
  readonly tabs: typeof tabSources | undefined
  /** Closes a store without readers. False if there is none. */
  makeRoom(): boolean
}

export interface Engine {
  readonly request: Requester
  subscribe(selection: Selection, handlers: SubscribeHandlers): () => void
  reconnect(): void
  close(): void
}

export function createEngine(engine: EngineOptions): Engine {
  const { baseUrl, options, auth: given, transport, clock, status, tabs, makeRoom } = engine
  const { validate = 'off', heartbeatTimeoutMs, credentials } = options
  const fetch = withCookies(options.fetch ?? ((...request) => globalThis.fetch(...request)), credentials)
  let isValid: ((frame: Frame) => boolean) | undefined
  const schemas =
    validate === 'off'
      ? undefined
      : import('./payloads.ts').then((module) => {
          isValid = module.isValid
        })
  const noticed = given && tabs ? noticedBy(tabs, given) : given
  // Nothing is requested before its payloads can be validated.
  const auth = schemas ? () => schemas.then(noticed) : noticed
  const { request, reset } = keepFresh(createRequester({ baseUrl, fetch, auth, clock }), () => stream.cursor)
  let source: StreamSource | undefined
  let tabSource: tabSources.TabSource | undefined
  let catchingUp = 0
  let invalid = 0

  const stream = new SharedStream({
    clock,
    readPage: (query, signal) => readPage(request, query, signal),
    isAccepted: validate === 'off' ? undefined : isAccepted,
    makeRoom,
    onCatchingUp(count) {
      catchingUp = count
      showStatus()
    },
    onGap: reset,
  })

  function isAccepted(frame: Frame): boolean {
    if (isValid?.(frame) ?? true) return true
    invalid += 1
    showStatus()
    return validate !== 'strict'
  }

  /** Credentials of somebody else end the sharing with tabs of the one before. */
  function noticedBy({ identityOf }: typeof tabSources, ask: Auth): Auth {
    return async () => {
      const answer = await ask()
      const identity = await identityOf(answer, options.identity)
      tabSource?.identified(identity === undefined ? undefined : nameOf(identity))
      return answer
    }
  }

  /** Of what tabs share. The version keeps tabs of different builds from reading each other's messages. */
  function nameOf(identity: string): string {
    return `boardcast/3 ${baseUrl} ${identity}`
  }

  function connect(listener: StreamListener, cursor: string | null): Connection {
    return new Connection({
      baseUrl,
      transport: loadedTransport(transport, fetch, options),
      auth,
      fetch,
      clock,
      backoff: fullBackoff(options.backoff),
      heartbeatTimeoutMs,
      listener,
      cursor,
      probe: (channels) => probe({ baseUrl, fetch, auth, clock, transport: transport.name }, channels),
    })
  }

  /** Opened by the first subscription, because it watches the page and may take locks. */
  function openSource(): StreamSource {
    const browser = tabs?.browserTabs()
    if (tabs && browser) {
      const name = auth ? undefined : nameOf(options.identity ?? '')
      const identify = auth && (async () => auth())
      tabSource = new tabs.TabSource({ name, identify, tabs: browser, clock, listener: stream, idle: IDLE, connect })
    }
    const made = tabSource ?? connect(stream, null)
    made.status.subscribe(showStatus)
    stream.attach(made)
    return made
  }

  function showStatus(): void {
    if (!source) return
    const now = source.status.get()
    const phase = now.phase === 'open' && catchingUp > 0 ? 'catching-up' : now.phase
    status.set(phase === now.phase && invalid === 0 ? now : { ...now, phase, invalid })
  }

  return {
    request,
    subscribe(selection, handlers) {
      source ??= openSource()
      return stream.subscribe(selection, handlers)
    },
    reconnect: () => source?.reconnect(),
    close() {
      stream.close()
      source?.close()
    },
  }
}

function withCookies(
  fetch: typeof globalThis.fetch,
  credentials: ClientOptions['credentials'],
): typeof globalThis.fetch {
  return credentials ? (input, init) => fetch(input, { ...init, credentials }) : fetch
}

function loadedTransport(
  { name, Maker }: ChosenTransport,
  fetch: typeof globalThis.fetch,
  { credentials, fetch: ownFetch }: ClientOptions,
): Transport {
  switch (name) {
    case 'fetch':
      return loadedOnOpen(name, async () => {
        const { fetchTransport } = await import('../connection/fetch-transport.ts')
        const { needsWorker, workerFetch } = await import('../connection/worker-fetch.ts')
        // A user's own fetch must not be replaced by a worker's.
        return fetchTransport(ownFetch || !needsWorker() ? fetch : withCookies(workerFetch(fetch), credentials))
      })
    case 'eventsource':
      return loadedOnOpen(name, async () => {
        const { eventSourceTransport } = await import('../connection/eventsource-transport.ts')
        return eventSourceTransport(Maker as EventSourceMaker, credentials === 'include')
      })
    case 'ws':
      return loadedOnOpen(name, async () => {
        const { wsTransport } = await import('../connection/ws-transport.ts')
        return wsTransport(Maker as WebSocketMaker)
      })
  }
}

function loadedOnOpen(name: TransportName, load: () => Promise<Transport>): Transport {
  return {
    name,
    open(request, events) {
      const names = [...request.names]
      let stream: OpenStream | undefined
      let isClosed = false
      load().then(
        (transport) => {
          if (isClosed) return
          try {
            stream = transport.open({ ...request, names }, events)
          } catch (error) {
            // Such as a page over https that may not open sockets over http.
            events.end({ detail: `could not open a stream: ${error}` })
          }
        },
        (error: unknown) => isClosed || events.end({ detail: `could not load the transport: ${error}` }),
      )
      return {
        close() {
          isClosed = true
          stream?.close()
        },
        listenFor(more) {
          names.push(...more)
          stream?.listenFor?.(more)
        },
        ...(name === 'ws' && { renew: (token: string, accepted: () => void) => stream?.renew?.(token, accepted) }),
      }
    },
  }
}
