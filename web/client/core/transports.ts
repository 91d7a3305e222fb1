/** The transport that was chosen, loaded when it is first used. */
import type { EventSourceMaker, TransportName, WebSocketMaker } from './options.ts'
import type { OpenStream, Transport } from './transport.ts'
import type { Chosen } from './transport-choice.ts'

/** `isOwnFetch`: the user's, which nothing may stand in for. */
export function transportFor({ name, Maker }: Chosen, fetch: typeof globalThis.fetch, isOwnFetch: boolean): Transport {
  switch (name) {
    case 'fetch':
      return lazily(name, async () => {
        const { fetchTransport } = await import('./fetch-transport.ts')
        const { decidesEarly, workerFetch } = await import('./worker-fetch.ts')
        return fetchTransport(isOwnFetch || !decidesEarly() ? fetch : workerFetch(fetch))
      })
    case 'eventsource':
      return lazily(name, async () =>
        (await import('./eventsource-transport.ts')).eventSourceTransport(Maker as EventSourceMaker),
      )
    case 'ws':
      return lazily(name, async () => (await import('./ws-transport.ts')).wsTransport(Maker as WebSocketMaker))
  }
}

function lazily(name: TransportName, load: () => Promise<Transport>): Transport {
  return {
    name,
    open(request, events) {
      const names = [...request.names]
      let stream: OpenStream | undefined
      let isOver = false
      load().then(
        (transport) => {
          if (isOver) return
          try {
            stream = transport.open({ ...request, names }, events)
          } catch (error) {
            // Such as a page over https that may not open sockets over http.
            events.end({ detail: `could not open a stream: ${error}` })
          }
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
      }
    },
  }
}
