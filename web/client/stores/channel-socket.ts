/**
 * A channel socket of one's own (docs/protocol.md, W20 to W63), for programs that publish, or whose presence is to be seen.
 * Who only listens shares the stream of the hub instead.
 *
 * After a cut every channel is joined again from its own position. A join tells one channel after the other, so ids go back
 * for that long, and what shows on two channels comes twice: what was told is remembered and not told again.
 */
import { CLOSE, CONTROL, HEARTBEAT_MS } from '../../../shared/src/protocol.ts'
import { DEFAULT_BACKOFF, delayMs } from '../core/backoff.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { WebSocketLike, WebSocketMaker } from '../core/options.ts'
import { createStore } from '../core/store.ts'
import type { Frame, Store } from '../core/types.ts'

export interface SocketState {
  /** It stands, and the channels are joined. */
  readonly connected: boolean
  readonly connecting: boolean
  readonly lastMessage: Frame | null
  readonly error: Error | null
}

export interface SocketOptions {
  readonly baseUrl: string
  readonly channels: readonly string[]
  readonly agentId?: string | undefined
  readonly sessionId?: string | undefined
  readonly token?: string | undefined
  readonly WebSocket?: WebSocketMaker | undefined
  readonly clock?: Clock | undefined
  onEvent?(event: Frame): void
}

export interface ChannelSocket extends Store<SocketState> {
  open(): void
  close(): void
  /** Whether it was sent: nothing is kept for later. */
  send(message: unknown): boolean
  join(channel: string): void
  leave(channel: string): void
}

export const CLOSED: SocketState = { connected: false, connecting: false, lastMessage: null, error: null }

const SILENT_HEARTBEATS = 2.5
/** A socket may send 10 messages a second (W51); what was too much is sent again a little later. */
const AGAIN_MS = 1_000
/** Of events that may come twice. */
const REMEMBERED = 10_000
const JOIN = '+'
const LEAVE = '-'
/** Coming back would not help. */
const FINAL: ReadonlySet<number> = new Set([CLOSE.done, CLOSE.refused, 4401])

export function channelSocket(options: SocketOptions): ChannelSocket {
  const { clock = systemClock, WebSocket = (globalThis as { WebSocket?: WebSocketMaker }).WebSocket } = options
  const state = createStore<SocketState>(CLOSED)
  /** Channel -> everything on it up to here was told; undefined: from now on. */
  const positions = new Map<string, string | undefined>(options.channels.map((channel) => [channel, undefined]))
  const told = new Set<string>()
  /** Everything on this socket up to here was told. */
  let reached = ''
  let isOpen = false
  /** What was asked and not answered. */
  const joining = new Set<string>()
  let socket: WebSocketLike | undefined
  let failures = 0
  let comeBackMs = 0
  let heartbeatMs = HEARTBEAT_MS
  let silence: unknown
  let retry: unknown

  function set(changes: Partial<SocketState>): void {
    state.set({ ...state.get(), ...changes })
  }

  function open(): void {
    close()
    if (!WebSocket) {
      set({ error: new Error('There is no WebSocket here: give the option WebSocket.') })
      return
    }
    let mine: WebSocketLike
    try {
      mine = new WebSocket(addressOf(options))
    } catch (error) {
      set({ error: error instanceof Error ? error : new Error(String(error)) })
      return
    }
    socket = mine
    set({ connecting: true })
    watch()
    mine.addEventListener('message', ({ data }) => mine === socket && hear(String(data)))
    mine.addEventListener('error', () => {
      // `close` follows, and says as much as a browser tells.
    })
    mine.addEventListener('close', ({ code = 1006, reason }) => mine === socket && lost(code, reason))
  }

  function close(): void {
    const mine = socket
    socket = undefined
    isOpen = false
    joining.clear()
    clock.clearTimeout(silence)
    clock.clearTimeout(retry)
    mine?.close()
    set({ connected: false, connecting: false })
  }

  function lost(code: number, reason = ''): void {
    close()
    if (code !== CLOSE.done) set({ error: new Error(reason || `the socket was closed (${code})`) })
    if (FINAL.has(code)) return
    failures += 1
    set({ connecting: true })
    retry = clock.setTimeout(open, comeBackMs || delayMs(DEFAULT_BACKOFF, failures))
    comeBackMs = 0
  }

  function watch(): void {
    clock.clearTimeout(silence)
    silence = clock.setTimeout(() => lost(1006, 'nothing came for a while'), SILENT_HEARTBEATS * heartbeatMs)
  }

  function hear(text: string): void {
    watch()
    const message = parsed(text)
    switch (message.type) {
      case 'connected':
        isOpen = true
        set({ error: null })
        for (const channel of positions.keys()) ask(JOIN + channel)
        joined()
        break
      case 'event':
        take(message as unknown as Frame)
        break
      case 'ack':
      case 'error':
        answered(message)
        break
      default:
    }
  }

  /** The `id` of what was asked: whether to join or to leave, and the channel. */
  function answered({ type, id, success, code, message }: Message): void {
    const asked = String(id)
    const channel = asked.slice(1)
    if (code === 'RATE_LIMITED' && joining.has(asked)) {
      clock.setTimeout(() => joining.has(asked) && ask(asked), AGAIN_MS)
      return
    }
    joining.delete(asked)
    // What comes on a new channel comes after this.
    if (success && positions.has(channel)) positions.set(channel, positions.get(channel) ?? reached)
    if (type === 'error' || success === false) set({ error: new Error(`${code}: ${message}`) })
    joined()
  }

  function joined(): void {
    if (joining.size === 0) set({ connected: true, connecting: false })
  }

  function take(frame: Frame): void {
    reached = frame.id
    switch (frame.event) {
      case CONTROL.hello:
        heartbeatMs = (frame.data as { heartbeatMs: number }).heartbeatMs
        return
      case CONTROL.heartbeat:
        failures = 0
        for (const channel of positions.keys()) positions.set(channel, frame.id)
        return
      case CONTROL.draining:
      case CONTROL.overloaded:
        comeBackMs = (frame.data as { retryMs: number }).retryMs
        return
      default:
    }
    if (positions.has(frame.channel)) positions.set(frame.channel, frame.id)
    const key = `${frame.id} ${frame.event}`
    if (told.has(key)) return
    told.add(key)
    for (const oldest of told) {
      if (told.size <= REMEMBERED) break
      told.delete(oldest)
    }
    set({ lastMessage: frame })
    options.onEvent?.(frame)
  }

  function send(message: unknown): boolean {
    if (!socket || !isOpen) return false
    socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    return true
  }

  function ask(asked: string): void {
    const channel = asked.slice(1)
    const since = positions.get(channel)
    joining.add(asked)
    if (asked.startsWith(JOIN)) {
      send({ type: 'subscribe', channel, id: asked, ...(since !== undefined && { since }) })
    } else send({ type: 'unsubscribe', channel, id: asked })
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    open,
    close,
    send,
    join(channel) {
      if (positions.has(channel)) return
      positions.set(channel, undefined)
      joining.delete(LEAVE + channel)
      if (isOpen) ask(JOIN + channel)
    },
    leave(channel) {
      if (!positions.delete(channel)) return
      joining.delete(JOIN + channel)
      if (isOpen) ask(LEAVE + channel)
    },
  }
}

function addressOf({ baseUrl, agentId, sessionId, token }: SocketOptions): string {
  const query = new URLSearchParams({ global: '0' })
  const given = { agent_id: agentId, session_id: sessionId, token }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value)
  return `${baseUrl.replace(/^http/, 'ws')}/ws?${query}`
}

interface Message {
  readonly type?: string
  readonly id?: unknown
  readonly success?: boolean
  readonly code?: string
  readonly message?: string
}

function parsed(text: string): Message {
  try {
    return JSON.parse(text) as Message
  } catch {
    return { type: 'error', code: 'PARSE_ERROR', message: 'the server sent what is not JSON' }
  }
}
