/**
 * A channel socket (docs/protocol.md, W20 to W63), for programs that publish or whose presence others should see. Programs
 * that only listen share the stream of the hub instead.
 *
 * The address names the channels and the cursor that resumes them, so a hundred channels cost no message and go on exactly
 * where they were. Channels that the address cannot hold (another cursor, a board that may not exist, a later join) are
 * joined by messages, within the server's limit. Their missed events come one channel after the other: meanwhile ids go
 * back, and events that show on two channels come twice. Stored events that were delivered are remembered and not delivered
 * again.
 */
import { CLOSE, CONTROL, HEARTBEAT_MS } from '../../../shared/src/protocol.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { errorOf } from '../base/errors.ts'
import { compareIds, fieldOf, isControl, isFrame } from '../base/frames.ts'
import type { Auth, WebSocketLike, WebSocketMaker } from '../base/options.ts'
import { watchPage } from '../base/page-lifecycle.ts'
import { createStore, reportUncaught } from '../base/store.ts'
import type { Frame, Store } from '../base/types.ts'
import { JoinRequests } from './join-requests.ts'
import { DeliveredEvents, parseMessage, type ServerEvent, type ServerMessage } from './messages.ts'
import {
  type Addressed,
  type AddressOptions,
  addressOf,
  type SocketChannel,
  SocketChannels,
} from './socket-channels.ts'
import { SocketCredentials } from './socket-credentials.ts'
import { SocketRetry } from './socket-retry.ts'

export interface SocketState {
  /** It is open, and its channels are joined. */
  readonly connected: boolean
  readonly connecting: boolean
  readonly lastMessage: Frame | null
  readonly error: Error | null
}

export interface SocketOptions extends AddressOptions {
  readonly channels: readonly string[]
  readonly auth?: Auth | undefined
  /** For tickets. */
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly WebSocket?: WebSocketMaker | undefined
  readonly clock?: Clock | undefined
  onEvent?(event: Frame): void
}

export const CLOSED: SocketState = { connected: false, connecting: false, lastMessage: null, error: null }

const TIMEOUT_HEARTBEATS = 2.5
/** The credentials are not good enough, or no longer. */
const UNAUTHENTICATED = 4401
/** After these codes reconnecting would not help. */
const FINAL: ReadonlySet<number> = new Set([CLOSE.done, CLOSE.refused, UNAUTHENTICATED])
/** The close codes that mean the same as statuses of a request for a ticket. */
const CODE_OF: Readonly<Record<number, number>> = { 401: UNAUTHENTICATED, 403: CLOSE.refused }
const NOTHING: Addressed = { channels: [], since: undefined }

export class ChannelSocket implements Store<SocketState> {
  readonly #options: SocketOptions
  readonly #clock: Clock
  readonly #state = createStore<SocketState>(CLOSED)
  readonly #channels = new SocketChannels()
  readonly #requests: JoinRequests
  readonly #credentials: SocketCredentials | undefined
  readonly #retry: SocketRetry
  readonly #delivered = new DeliveredEvents()
  #socket: WebSocketLike | undefined
  #isOpen = false
  /** The latest id of this connection. */
  #latest = ''
  /** The channels in the address, until `hello` acknowledges them. */
  #addressed: Addressed = NOTHING
  /** The channels that the next gap would be about; null: all of them. */
  #resuming: readonly SocketChannel[] | null = null
  #heartbeatMs = HEARTBEAT_MS
  #silence: unknown
  #unwatch: (() => void) | undefined
  /** The page is frozen, or in the back-forward cache. */
  #isAway = false

  constructor(options: SocketOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#retry = new SocketRetry(this.#clock)
    for (const channel of options.channels) this.#channels.add(channel)
    this.#requests = new JoinRequests({
      clock: this.#clock,
      channel: (name) => this.#channels.get(name),
      send: (message) => this.#post(message),
    })
    const { baseUrl, auth, fetch = (...request) => globalThis.fetch(...request) } = options
    this.#credentials =
      auth && new SocketCredentials({ baseUrl, auth, fetch, clock: this.#clock, send: (message) => this.send(message) })
  }

  readonly get = (): SocketState => this.#state.get()

  readonly subscribe = (listener: () => void): (() => void) => this.#state.subscribe(listener)

  open(): void {
    this.#unwatch ??= watchPage({
      woke: () => this.#woke(),
      left: () => this.#left(),
      returned: () => (this.#isAway ? this.#connect() : this.#woke()),
    })
    this.#connect()
  }

  readonly close = (): void => {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#disconnect()
  }

  /** Returns whether the message was sent: nothing is queued. */
  send(message: unknown): boolean {
    if (!this.#socket || !this.#isOpen) return false
    this.#requests.countMessage()
    this.#post(message)
    return true
  }

  join(name: string): void {
    const channel = this.#channels.add(name)
    if (channel && this.#isOpen) this.#requests.join(channel.name)
  }

  leave(name: string): void {
    const channel = this.#channels.remove(name)
    if (!channel || !this.#isOpen) return
    this.#requests.leave(channel.name, channel.isJoined || this.#addressed.channels.includes(channel))
  }

  #set(changes: Partial<SocketState>): void {
    this.#state.set({ ...this.#state.get(), ...changes })
  }

  #connect(): void {
    this.#disconnect()
    this.#isAway = false
    const { WebSocket = (globalThis as { WebSocket?: WebSocketMaker }).WebSocket } = this.#options
    if (!WebSocket) {
      this.#set({ error: new Error('WebSocket is not available here: pass the option WebSocket.') })
      return
    }
    this.#set({ connecting: true })
    this.#watch()
    if (!this.#credentials) this.#openSocket(WebSocket, {})
    else {
      this.#credentials.forAddress(
        (query) => this.#openSocket(WebSocket, query),
        ({ status, detail, retryAfterMs = 0 }) => {
          this.#retry.serverDelayMs = retryAfterMs
          this.#lost(CODE_OF[status ?? 0] ?? 1006, detail)
        },
      )
    }
  }

  #openSocket(WebSocket: WebSocketMaker, credentials: Readonly<Record<string, string>>): void {
    this.#addressed = this.#channels.addressed()
    let socket: WebSocketLike
    try {
      socket = new WebSocket(addressOf(this.#options, this.#addressed, credentials))
    } catch (error) {
      // The page's policy forbids it, and would forbid the next one too.
      this.#disconnect()
      this.#set({ error: errorOf(error) })
      return
    }
    this.#socket = socket
    const isCurrent = () => socket === this.#socket
    socket.addEventListener('message', ({ data }) => isCurrent() && this.#receive(String(data)))
    socket.addEventListener('error', () => {
      // `close` follows with the reason, but not in Chromium when the page's policy forbids the socket.
      if (socket.readyState === 3) this.#clock.setTimeout(() => isCurrent() && this.#lost(1006), 0)
    })
    socket.addEventListener('close', ({ code = 1006, reason }) => isCurrent() && this.#lost(code, reason))
  }

  /** Releases everything that the connection holds. */
  #disconnect(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#isOpen = false
    this.#latest = ''
    this.#addressed = NOTHING
    this.#resuming = null
    this.#requests.disconnected()
    this.#credentials?.disconnected()
    this.#channels.reset()
    this.#clock.clearTimeout(this.#silence)
    this.#retry.cancel()
    socket?.close()
    this.#set({ connected: false, connecting: false })
  }

  #lost(code: number, reason = ''): void {
    const canRetry = !FINAL.has(code) || (code === CLOSE.refused && this.#channels.addressRefused(this.#addressed))
    this.#disconnect()
    if (code !== CLOSE.done) this.#set({ error: new Error(reason || `the socket was closed (${code})`) })
    if (code === UNAUTHENTICATED) this.#credentials?.refused(() => this.#connect())
    if (!canRetry) return
    this.#set({ connecting: true })
    this.#retry.schedule(() => this.#connect())
  }

  #woke(): void {
    if (this.#retry.isWaiting) this.#connect()
  }

  /** Browsers do not put a page with an open socket into the back-forward cache. */
  #left(): void {
    if (!this.#socket && !this.#state.get().connecting) return
    this.#disconnect()
    this.#isAway = true
    this.#set({ connecting: true })
  }

  #watch(): void {
    this.#clock.clearTimeout(this.#silence)
    const timeoutMs = TIMEOUT_HEARTBEATS * this.#heartbeatMs
    this.#silence = this.#clock.setTimeout(() => this.#lost(1006, `no message came within ${timeoutMs} ms`), timeoutMs)
  }

  #receive(text: string): void {
    this.#watch()
    const message = parseMessage(text)
    switch (message.type) {
      case 'connected':
        this.#isOpen = true
        this.#retry.opened()
        this.#requests.connected()
        this.#credentials?.connected()
        this.#set({ error: null })
        for (const channel of this.#channels.all) {
          if (!this.#addressed.channels.includes(channel)) this.#requests.join(channel.name)
        }
        this.#showIfJoined()
        break
      case 'event':
        if (isFrame(message)) this.#event(message)
        break
      case 'unsubscribed':
        this.#lostChannel(message)
        break
      case 'ack':
      case 'error':
        this.#answered(message)
        break
      default:
    }
  }

  /** The credentials that the socket was given do not allow the channel. */
  #lostChannel({ channel = '' }: ServerMessage): void {
    const lost = this.#channels.get(channel)
    if (!lost) return
    Object.assign(lost, { isJoined: false, isDoubtful: true })
    this.#set({ error: new Error(`${channel} may no longer be read`) })
  }

  #answered(answer: ServerMessage): void {
    if (this.#credentials?.answered(answer)) return
    const result = this.#requests.answered(answer)
    if (result === 'again') return
    if (result?.isJoined) {
      this.#channels.acknowledge(result.channel, this.#latest)
      this.#resuming = result.since === undefined ? null : [result.channel]
    } else if (result) result.channel.isDoubtful = true
    const { type, success, code, message } = answer
    if (type === 'error' || success === false) this.#set({ error: new Error(`${code}: ${message}`) })
    this.#showIfJoined()
  }

  #showIfJoined(): void {
    if (this.#isOpen && this.#addressed.channels.length === 0 && this.#requests.isIdle) {
      this.#set({ connected: true, connecting: false })
    }
  }

  #event(frame: ServerEvent): void {
    const { id, event, data } = frame
    const resuming = this.#resuming
    this.#resuming = null
    if (this.#latest === '' || compareIds(id, this.#latest) > 0) this.#latest = id
    switch (event) {
      case CONTROL.hello:
        this.#hello(frame)
        return
      case CONTROL.heartbeat:
        this.#retry.checkHealth()
        this.#channels.advance(id)
        return
      case CONTROL.draining:
      case CONTROL.overloaded:
        this.#retry.serverDelayMs = Number(fieldOf(data, 'retryMs')) || 0
        return
      case CONTROL.authExpiring:
        this.#credentials?.expiring(frame)
        return
      case CONTROL.authExpired:
        // `close` follows.
        return
      case CONTROL.gap:
        this.#channels.gap(resuming ?? this.#channels.joined, id)
        // Another log gives the same ids to other events.
        if (/^(epoch|invalid)$/.test(String(fieldOf(data, 'reason')))) this.#delivered.clear()
        break
      default:
        if (!isControl(event) && !frame.more) this.#channels.advance(id)
    }
    if (event === 'board_deleted' || event === 'board.deleted') {
      this.#channels.boardDeleted(String(fieldOf(data, 'boardId')))
    }
    if (this.#delivered.add(frame)) this.#deliver(frame)
  }

  #deliver({ more: _, type: __, ...frame }: ServerEvent): void {
    try {
      this.#options.onEvent?.(frame)
    } catch (error) {
      reportUncaught(error)
    }
    this.#set({ lastMessage: frame })
  }

  /** Acknowledges the channels in the address. */
  #hello({ id, data }: Frame): void {
    this.#heartbeatMs = Number(fieldOf(data, 'heartbeatMs')) || HEARTBEAT_MS
    const { channels, since } = this.#addressed
    this.#addressed = NOTHING
    for (const channel of channels) {
      // A channel that was left in the meantime is left by a queued message.
      if (this.#channels.get(channel.name) === channel) this.#channels.acknowledge(channel, since ?? id)
    }
    this.#resuming = since === undefined ? null : channels
    this.#showIfJoined()
  }

  #post(message: unknown): void {
    this.#socket?.send(typeof message === 'string' ? message : JSON.stringify(message))
  }
}
