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
import { DEFAULT_BACKOFF, delayMs } from '../base/backoff.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { errorOf } from '../base/errors.ts'
import { compareIds, fieldOf, isControl, isFrame } from '../base/frames.ts'
import type { WebSocketLike, WebSocketMaker } from '../base/options.ts'
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

export interface SocketState {
  /** It is open, and its channels are joined. */
  readonly connected: boolean
  readonly connecting: boolean
  readonly lastMessage: Frame | null
  readonly error: Error | null
}

export interface SocketOptions extends AddressOptions {
  readonly channels: readonly string[]
  readonly WebSocket?: WebSocketMaker | undefined
  readonly clock?: Clock | undefined
  onEvent?(event: Frame): void
}

export const CLOSED: SocketState = { connected: false, connecting: false, lastMessage: null, error: null }

const TIMEOUT_HEARTBEATS = 2.5
/** An open socket resets the failures only after this long, or a server that accepts and drops would be flooded. */
const HEALTHY_MS = 60_000
/** After these codes reconnecting would not help. */
const FINAL: ReadonlySet<number> = new Set([CLOSE.done, CLOSE.refused, 4401])
const NOTHING: Addressed = { channels: [], since: undefined }

export class ChannelSocket implements Store<SocketState> {
  readonly #options: SocketOptions
  readonly #clock: Clock
  readonly #state = createStore<SocketState>(CLOSED)
  readonly #channels = new SocketChannels()
  readonly #requests: JoinRequests
  readonly #delivered = new DeliveredEvents()
  #socket: WebSocketLike | undefined
  #isOpen = false
  /** The latest id of this connection. */
  #latest = ''
  /** The channels in the address, until `hello` acknowledges them. */
  #addressed: Addressed = NOTHING
  /** The channels that the next gap would be about; null: all of them. */
  #resuming: readonly SocketChannel[] | null = null
  #failures = 0
  #openedAt = 0
  #serverDelayMs = 0
  #heartbeatMs = HEARTBEAT_MS
  #silence: unknown
  #retry: unknown
  #unwatch: (() => void) | undefined
  /** The page is frozen, or in the back-forward cache. */
  #isAway = false

  constructor(options: SocketOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    for (const channel of options.channels) this.#channels.add(channel)
    this.#requests = new JoinRequests({
      clock: this.#clock,
      channel: (name) => this.#channels.get(name),
      send: (message) => this.#post(message),
    })
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
    this.#addressed = this.#channels.addressed()
    let socket: WebSocketLike
    try {
      socket = new WebSocket(addressOf(this.#options, this.#addressed))
    } catch (error) {
      // The page's policy forbids it, and would forbid the next one too.
      this.#set({ error: errorOf(error) })
      return
    }
    this.#socket = socket
    this.#set({ connecting: true })
    this.#watch()
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
    this.#channels.reset()
    this.#clock.clearTimeout(this.#silence)
    this.#clock.clearTimeout(this.#retry)
    this.#retry = undefined
    socket?.close()
    this.#set({ connected: false, connecting: false })
  }

  #lost(code: number, reason = ''): void {
    const canRetry = !FINAL.has(code) || (code === CLOSE.refused && this.#channels.addressRefused(this.#addressed))
    this.#disconnect()
    if (code !== CLOSE.done) this.#set({ error: new Error(reason || `the socket was closed (${code})`) })
    if (!canRetry) return
    this.#failures += 1
    this.#set({ connecting: true })
    const waitMs = this.#serverDelayMs || delayMs(DEFAULT_BACKOFF, this.#failures)
    this.#retry = this.#clock.setTimeout(() => this.#connect(), waitMs)
    this.#serverDelayMs = 0
  }

  #woke(): void {
    if (this.#retry !== undefined) this.#connect()
  }

  /** Browsers do not put a page with an open socket into the back-forward cache. */
  #left(): void {
    if (!this.#socket && this.#retry === undefined) return
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
        this.#openedAt = this.#clock.now()
        this.#requests.connected()
        this.#set({ error: null })
        for (const channel of this.#channels.all) {
          if (!this.#addressed.channels.includes(channel)) this.#requests.join(channel.name)
        }
        this.#showIfJoined()
        break
      case 'event':
        if (isFrame(message)) this.#event(message)
        break
      case 'ack':
      case 'error':
        this.#answered(message)
        break
      default:
    }
  }

  #answered(answer: ServerMessage): void {
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
        if (this.#clock.now() - this.#openedAt >= HEALTHY_MS) this.#failures = 0
        this.#channels.advance(id)
        return
      case CONTROL.draining:
      case CONTROL.overloaded:
        this.#serverDelayMs = Number(fieldOf(data, 'retryMs')) || 0
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
