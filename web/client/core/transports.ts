/** The transport that the options ask for, loaded when it is first used. */
import { BoardcastError } from './errors.ts'
import type { ClientOptions, EventSourceMaker, TransportName, WebSocketMaker } from './options.ts'
import type { OpenStream, Transport } from './transport.ts'

const surroundings = globalThis as { readonly EventSource?: EventSourceMaker; readonly WebSocket?: WebSocketMaker }

export function transportFor(options: ClientOptions, fetch: typeof globalThis.fetch): Transport {
  const { transport = 'auto', EventSource = surroundings.EventSource, WebSocket = surroundings.WebSocket } = options
  const name = transport !== 'auto' ? transport : bodiesStream() ? 'fetch' : 'eventsource'
  switch (name) {
    case 'fetch':
      return lazily(name, async () => (await import('./fetch-transport.ts')).fetchTransport(fetch))
    case 'eventsource':
      if (!EventSource) throw missing(name, 'EventSource')
      return lazily(name, async () => (await import('./eventsource-transport.ts')).eventSourceTransport(EventSource))
    case 'ws':
      if (!WebSocket) throw missing(name, 'WebSocket')
      return {
        ...lazily(name, async () => (await import('./ws-transport.ts')).wsTransport(WebSocket)),
        canChange: true,
      }
  }
}

function bodiesStream(): boolean {
  return typeof Response === 'function' && 'body' in Response.prototype
}

function missing(transport: TransportName, what: string): BoardcastError {
  return new BoardcastError(
    'misuse',
    `transport "${transport}" needs ${what}, which is not here: give the option ${what}.`,
  )
}

function lazily(name: TransportName, load: () => Promise<Transport>): Transport {
  return {
    name,
    open(request, events) {
      const names = [...request.names]
      let { channels } = request
      let stream: OpenStream | undefined
      let isOver = false
      load().then(
        (transport) => {
          if (!isOver) stream = transport.open({ ...request, channels, names }, events)
        },
        (error: unknown) => isOver || events.end({ detail: `could not load the transport: ${error}` }),
      )
      return {
        close() {
          isOver = true
          stream?.close()
        },
        hear(more) {
          names.push(...more)
          stream?.hear?.(more)
        },
        change(next) {
          channels = next
          stream?.change?.(next)
        },
      }
    },
  }
}
