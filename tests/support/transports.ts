/**
 * One connection to some channels over one of the transports, made by that transport's own client. What it receives looks
 * the same for all transports.
 */
import type { Socket as NetSocket } from 'node:net'
import { type Socket as IoSocket, io } from 'socket.io-client'
import { WebSocket } from 'ws'
import { Tail } from './tail.ts'

export const PEERS = ['sse', 'ws', 'socketio'] as const
/** The same with options: compression, the `global` that a socket joins by itself, long polling. */
export const WAYS = [...PEERS, 'sse gzip', 'ws global', 'socketio polling'] as const
export type PeerKind = (typeof WAYS)[number]

export interface Heard {
  readonly channel: string
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every shape.
  readonly data: any
  readonly id: string
}

type Item = Heard | { readonly joined: string; readonly since: string | undefined } | { readonly left: string }

interface Link {
  join(channel: string, since: string | undefined): void
  leave(channel: string): void
  pause(): void
  resume(): void
  cut(): void
}

export class ChannelPeer {
  readonly kind: PeerKind
  /** Everything, in order of arrival. */
  readonly told: Item[] = []
  readonly heard: Heard[] = []
  /** What arrived after every requested channel was acknowledged. */
  readonly heardSinceJoined: Heard[] = []
  /** The newest id with which a listener of one channel may reconnect. */
  lastId: string | undefined
  #uncertainId: string | undefined
  asked = 0
  answered = 0
  /** The connection has closed, from either side. */
  isClosed = false
  readonly #link: Link
  #isCut = false
  readonly #waiting = new Set<() => void>()

  /**
   * Joins the channels after `since`, each; on a socket not before `joinWhen` resolves. Server-Sent Events join and leave
   * none later.
   */
  constructor(
    kind: PeerKind,
    url: string,
    channels: readonly string[],
    since: string | null,
    joinWhen?: Promise<unknown>,
  ) {
    this.kind = kind
    this.#link = this.#open(url, channels, since)
    if (kind.startsWith('sse')) return
    this.asked += channels.length
    const join = () => {
      if (this.#isCut) return
      for (const channel of channels) this.#link.join(channel, since ?? undefined)
    }
    if (joinWhen) void joinWhen.then(join)
    else join()
  }

  #open(url: string, channels: readonly string[], since: string | null): Link {
    switch (this.kind) {
      case 'sse':
      case 'sse gzip':
        return this.#sse(url, channels, since)
      case 'ws':
      case 'ws global':
        return this.#ws(url)
      case 'socketio':
      case 'socketio polling':
        return this.#socketio(url)
    }
  }

  /** Every requested channel is joined. */
  get isJoined(): boolean {
    return this.answered === this.asked && this.heard.length > 0
  }

  join(channel: string, since?: string): void {
    this.asked += 1
    this.#link.join(channel, since)
  }

  leave(channel: string): void {
    this.asked += 1
    this.#link.leave(channel)
  }

  pause(): void {
    this.#link.pause()
  }

  resume(): void {
    this.#link.resume()
  }

  /** Ignores everything that arrives later. */
  cut(): void {
    this.#isCut = true
    this.#link.cut()
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }

  #close(): void {
    this.isClosed = true
    this.#wake()
  }

  /** One of the ids that it received, counted back from the newest. */
  idBefore(back: number): string | undefined {
    return this.heard.at(-1 - (back % Math.max(1, this.heard.length)))?.id
  }

  /** Resolves when the condition holds; rejects with what was seen after `withinMs`. */
  until(condition: () => boolean, withinMs = 20_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check)
        const seen = this.told.slice(-10).map((one) => JSON.stringify(one).slice(0, 120))
        const { kind, lastId, asked, answered, isClosed } = this
        const state = JSON.stringify({ kind, lastId, asked, answered, isClosed })
        reject(new Error(`the condition did not hold ${state}; saw\n${seen.join('\n')}`))
      }, withinMs)
      const check = () => {
        if (!condition()) return
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  /** `hasIdLine`: of a stream, whose frames say whether their id may be kept; sockets leave that to their clients. */
  #hear(heard: Heard, hasIdLine?: boolean): void {
    if (this.#isCut) return
    this.told.push(heard)
    this.heard.push(heard)
    if (this.answered === this.asked) {
      this.heardSinceJoined.push(heard)
      if (hasIdLine === true) this.lastId = heard.id
      else if (hasIdLine === undefined && !UNMARKED.has(heard.event)) this.#mark(heard)
    }
    this.#wake()
  }

  /** Another message of the same event may follow, except where a channel shows an event once. */
  #mark({ channel, event, id }: Heard): void {
    const isCertain = event === 'heartbeat' || !(channel === 'global' || channel === '*')
    if (isCertain) this.lastId = id
    else if (this.#uncertainId !== id) this.lastId = this.#uncertainId ?? this.lastId
    this.#uncertainId = isCertain ? undefined : id
  }

  #note(item: Item | null): void {
    if (this.#isCut) return
    this.answered += 1
    if (item) this.told.push(item)
    this.#wake()
  }

  #sse(url: string, channels: readonly string[], since: string | null): Link {
    const tail = new Tail(url, `/sse?channels=${channels}${since === null ? '' : `&since=${since}`}`, {
      ...(this.kind === 'sse gzip' && { headers: { 'Accept-Encoding': 'gzip' } }),
      onFrame: ({ text, id }) => this.#hear(JSON.parse(text), id !== undefined),
    })
    void tail.closed.then(() => this.#close())
    const never = () => {
      throw new Error('a stream cannot join or leave channels')
    }
    return {
      join: never,
      leave: never,
      pause: () => tail.socket.pause(),
      resume: () => tail.socket.resume(),
      cut: () => tail.cut(),
    }
  }

  #ws(url: string): Link {
    const websocket = new WebSocket(`${url.replace('http', 'ws')}/ws${this.kind === 'ws global' ? '' : '?global=0'}`)
    const asked: Item[] = []
    websocket.on('error', () => undefined)
    websocket.on('close', () => this.#close())
    websocket.on('message', (text) => {
      const message = JSON.parse(String(text))
      if (message.type === 'ack') this.#note(message.success ? (asked[message.id] ?? null) : null)
      else if (message.type === 'event') {
        const { channel, event, data, id } = message
        this.#hear({ channel, event, data, id })
      }
    })
    const send = (item: Item, message: object) => {
      asked.push(item)
      const text = JSON.stringify({ ...message, id: asked.length - 1 })
      if (websocket.readyState === WebSocket.OPEN) websocket.send(text)
      else websocket.once('open', () => websocket.send(text))
    }
    return {
      join: (channel, since) => send({ joined: channel, since }, { type: 'subscribe', channel, since }),
      leave: (channel) => send({ left: channel }, { type: 'unsubscribe', channel }),
      pause: () => {
        if (websocket.readyState === WebSocket.OPEN) websocket.pause()
      },
      resume: () => websocket.resume(),
      cut: () => websocket.terminate(),
    }
  }

  #socketio(url: string): Link {
    const transports = [this.kind === 'socketio' ? 'websocket' : 'polling']
    const socket: IoSocket = io(url, { transports, forceNew: true, reconnection: false })
    socket.on('connect_error', () => this.#close())
    socket.on('message', ({ type, channel, data, id }) => this.#hear({ channel, event: type, data, id }))
    socket.on('disconnect', () => this.#close())
    const connection = () => (socket.io.engine?.transport as unknown as { ws?: { _socket?: NetSocket } })?.ws?._socket
    const ask = (event: string, asked: unknown, item: Item) =>
      socket.emit(event, asked, (answer: { success: boolean }) => this.#note(answer.success ? item : null))
    return {
      join: (channel, since) =>
        ask('subscribe', since === undefined ? channel : { channel, since }, { joined: channel, since }),
      leave: (channel) => ask('unsubscribe', channel, { left: channel }),
      pause: () => connection()?.pause(),
      resume: () => connection()?.resume(),
      cut: () => {
        connection()?.destroy()
        socket.disconnect()
      },
    }
  }
}

/** Their id is the one reached, but clients must not resume from it. */
const UNMARKED = new Set(['hello', 'gap', 'draining'])
