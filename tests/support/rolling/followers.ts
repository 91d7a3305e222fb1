/** Clients of every kind that follow some channels through a proxy, and keep the ids of what they were shown. */
import { EventSource } from 'eventsource'
import { WebSocket } from 'ws'
import { createClient, type Hub } from '../../../web/client/index.ts'
import { SocketIoClient, type SocketIoMessage } from '../socketio.ts'

export interface Follower {
  readonly name: string
  /** Of the events that were shown, in order of arrival. */
  readonly ids: readonly string[]
  /** What no client may see: refusals, gaps, errors that end it for good. */
  readonly faults: readonly string[]
  /** How often it was connected, the first time included. */
  readonly connections: number
  close(): void
}

interface Followed {
  readonly url: string
  readonly channel: string
  /** The name of the events. */
  readonly event: string
}

/** The npm package, which does what a browser does. */
export class NativeFollower implements Follower {
  readonly name = 'EventSource'
  readonly ids: string[] = []
  readonly faults: string[] = []
  connections = 0
  readonly #source: EventSource

  constructor({ url, channel, event }: Followed) {
    this.#source = new EventSource(`${url}/sse?channels=${channel}`)
    this.#source.addEventListener('hello', () => {
      this.connections += 1
    })
    this.#source.addEventListener(event, ({ lastEventId }) => this.ids.push(lastEventId))
    this.#source.addEventListener('gap', ({ data }) => this.faults.push(`gap ${data}`))
    this.#source.addEventListener('error', ({ code }) => {
      // Without a status the connection was lost or ended, and it comes back by itself.
      if (code !== undefined) this.faults.push(`status ${code}`)
    })
  }

  close(): void {
    this.#source.close()
  }
}

/** The client library over one of its transports. */
export class LibraryFollower implements Follower {
  readonly name: string
  readonly ids: string[] = []
  readonly faults: string[] = []
  connections = 0
  readonly #hub: Hub

  constructor({ url, channel, event }: Followed, transport: 'fetch' | 'eventsource' | 'ws') {
    this.name = `library over ${transport}`
    this.#hub = createClient({ baseUrl: url, transport, share: 'none', EventSource, WebSocket })
    let wasOpen = false
    this.#hub.status.subscribe(() => {
      const { phase, stop } = this.#hub.status.get()
      if (phase === 'open' && !wasOpen) this.connections += 1
      wasOpen = phase === 'open'
      if (phase === 'stopped' && stop?.reason !== 'closed') this.faults.push(`stopped: ${JSON.stringify(stop)}`)
    })
    this.#hub.subscribe(
      { channels: [channel], types: [event] },
      {
        event: ({ id }) => this.ids.push(id),
        gap: (gap) => this.faults.push(`gap ${JSON.stringify(gap)}`),
        error: (error) => this.faults.push(String(error)),
      },
    )
  }

  close(): void {
    this.#hub.close()
  }
}

/** Socket.IO over WebSocket alone, as docs/clients.md shows it. */
export class SocketIoFollower implements Follower {
  readonly name = 'Socket.IO'
  readonly ids: string[] = []
  readonly faults: string[] = []
  connections = 0
  readonly #client: SocketIoClient
  #lastId: string | undefined
  #isJoined = false

  constructor({ url, channel, event }: Followed) {
    this.#client = new SocketIoClient(url, ['websocket'], { reconnection: true })
    this.#client.socket.on('connect', () => {
      this.#isJoined = false
    })
    this.#client.socket.on('message', ({ type, id, data }: SocketIoMessage) => {
      if (type === 'hello') void this.#join(channel, id)
      if (type === 'gap') this.faults.push(`gap ${JSON.stringify(data)}`)
      if (type === event) this.ids.push(id)
      if (this.#isJoined) this.#lastId = id
    })
  }

  close(): void {
    void this.#client[Symbol.asyncDispose]()
  }

  async #join(channel: string, helloId: string): Promise<void> {
    this.#lastId ??= helloId
    const { success, message } = await this.#client.ask('subscribe', { channel, since: this.#lastId })
    if (!success) return void this.faults.push(`not subscribed: ${message}`)
    this.#isJoined = true
    this.connections += 1
  }
}
