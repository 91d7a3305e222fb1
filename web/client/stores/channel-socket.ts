/**
 * A channel socket of one's own (docs/protocol.md, W20 to W63), for programs that publish, or whose presence is to be seen.
 * Who only listens shares the stream of the hub instead.
 *
 * The address names the channels and the cursor that resumes them, so that a hundred of them cost no message and go on
 * exactly where they were. What the address cannot hold (another cursor, a board that may not exist, what is joined
 * later) is joined by messages, within what a socket may send. Their past comes one channel after the other: ids go back
 * for that long, and what shows on two channels comes twice. Stored events that were delivered are remembered, and not
 * delivered again.
 */
import { CLOSE, CONTROL, HEARTBEAT_MS } from '../../../shared/src/protocol.ts'
import { DEFAULT_BACKOFF, delayMs } from '../core/backoff.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { fieldOf, isControl, isFrame, isUnstored } from '../core/frames.ts'
import type { WebSocketLike, WebSocketMaker } from '../core/options.ts'
import { watchPage } from '../core/page-life.ts'
import { compareIds } from '../core/positions.ts'
import { createStore, guarded } from '../core/store.ts'
import type { Frame, Store } from '../core/types.ts'
import { type Addressed, ChannelPlaces, type Place } from './channel-places.ts'
import { type Answer, ChannelRequests } from './channel-requests.ts'

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
/** After so long the failures before are forgotten. Any earlier, and a server that accepts and drops would be hammered. */
const HEALTHY_MS = 60_000
/** Stored events that are not delivered again. */
const REMEMBERED = 10_000
/** Coming back would not help. */
const FINAL: ReadonlySet<number> = new Set([CLOSE.done, CLOSE.refused, 4401])
const NOTHING: Addressed = { places: [], since: undefined }

export function channelSocket(options: SocketOptions): ChannelSocket {
  const { clock = systemClock } = options
  const state = createStore<SocketState>(CLOSED)
  const places = new ChannelPlaces()
  for (const channel of options.channels) places.add(channel)
  const delivered = new Set<string>()
  /** The greatest id that came on this connection. */
  let reached = ''
  let isOpen = false
  /** What the address of this connection names, until `hello` acknowledges it. */
  let addressed: Addressed = NOTHING
  /** The channels that a gap would be about if it came next; null: all of them. */
  let resuming: readonly Place[] | null = null
  const requests = new ChannelRequests({ clock, place: (name) => places.get(name), send: (message) => post(message) })
  let socket: WebSocketLike | undefined
  let failures = 0
  let openedAt = 0
  let comeBackMs = 0
  let heartbeatMs = HEARTBEAT_MS
  let silence: unknown
  let retry: unknown
  let unwatch: (() => void) | undefined
  let isAway = false

  function set(changes: Partial<SocketState>): void {
    state.set({ ...state.get(), ...changes })
  }

  function open(): void {
    unwatch ??= watchPage({ woke, left, returned })
    connect()
  }

  function connect(): void {
    drop()
    isAway = false
    const { WebSocket = (globalThis as { WebSocket?: WebSocketMaker }).WebSocket } = options
    if (!WebSocket) {
      set({ error: new Error('There is no WebSocket here: give the option WebSocket.') })
      return
    }
    addressed = places.addressed()
    let mine: WebSocketLike
    try {
      mine = new WebSocket(addressOf(options, addressed))
    } catch (error) {
      // A page's policy forbids it: it would the next time too.
      set({ error: error instanceof Error ? error : new Error(String(error)) })
      return
    }
    socket = mine
    set({ connecting: true })
    watch()
    mine.addEventListener('message', ({ data }) => mine === socket && hear(String(data)))
    mine.addEventListener('error', () => {
      // `close` follows and says more, but not in Chromium where the page's policy forbids the socket.
      if (mine.readyState === 3) clock.setTimeout(() => mine === socket && lost(1006), 0)
    })
    mine.addEventListener('close', ({ code = 1006, reason }) => mine === socket && lost(code, reason))
  }

  function close(): void {
    unwatch?.()
    unwatch = undefined
    drop()
  }

  /** Releases everything that the connection holds. */
  function drop(): void {
    const mine = socket
    socket = undefined
    isOpen = false
    reached = ''
    addressed = NOTHING
    resuming = null
    requests.end()
    places.reset()
    clock.clearTimeout(silence)
    clock.clearTimeout(retry)
    retry = undefined
    mine?.close()
    set({ connected: false, connecting: false })
  }

  function lost(code: number, reason = ''): void {
    const isFinal = FINAL.has(code) && !(code === CLOSE.refused && places.doubt(addressed))
    drop()
    if (code !== CLOSE.done) set({ error: new Error(reason || `the socket was closed (${code})`) })
    if (isFinal) return
    failures += 1
    set({ connecting: true })
    retry = clock.setTimeout(connect, comeBackMs || delayMs(DEFAULT_BACKOFF, failures))
    comeBackMs = 0
  }

  function woke(): void {
    if (retry !== undefined) connect()
  }

  /** A page that is kept for the back button must hold no socket: browsers would not keep it. */
  function left(): void {
    if (!socket && retry === undefined) return
    drop()
    isAway = true
    set({ connecting: true })
  }

  function returned(): void {
    if (isAway) connect()
    else woke()
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
        openedAt = clock.now()
        requests.begin()
        set({ error: null })
        for (const place of places.all) if (!addressed.places.includes(place)) requests.join(place.name)
        joined()
        break
      case 'event':
        if (isFrame(message)) take(message)
        break
      case 'ack':
      case 'error':
        answered(message)
        break
      default:
    }
  }

  function answered(answer: Message): void {
    const join = requests.answered(answer)
    if (join === 'again') return
    if (join?.isJoined) {
      places.acknowledge(join.place, reached)
      resuming = join.since === undefined ? null : [join.place]
    } else if (join) join.place.isDoubtful = true
    const { type, success, code, message } = answer
    if (type === 'error' || success === false) set({ error: new Error(`${code}: ${message}`) })
    joined()
  }

  function joined(): void {
    if (isOpen && addressed.places.length === 0 && requests.isIdle) {
      set({ connected: true, connecting: false })
    }
  }

  function take(frame: EventMessage): void {
    const { id, event, data } = frame
    const concerned = resuming
    resuming = null
    if (reached === '' || compareIds(id, reached) > 0) reached = id
    switch (event) {
      case CONTROL.hello:
        hello(frame)
        return
      case CONTROL.heartbeat:
        if (clock.now() - openedAt >= HEALTHY_MS) failures = 0
        places.advance(id)
        return
      case CONTROL.draining:
      case CONTROL.overloaded:
        comeBackMs = Number(fieldOf(data, 'retryMs')) || 0
        return
      case CONTROL.gap:
        places.lose(concerned ?? places.held, id)
        // Another log gives the same ids to other events.
        if (/^(epoch|invalid)$/.test(String(fieldOf(data, 'reason')))) delivered.clear()
        break
      default:
        if (!isControl(event) && !frame.more) places.advance(id)
    }
    if (event === 'board_deleted' || event === 'board.deleted') places.deleted(String(fieldOf(data, 'boardId')))
    if (!isNew(frame)) return
    const { more: _, type: __, ...shown } = frame
    guarded(() => options.onEvent?.(shown))
    set({ lastMessage: shown })
  }

  /** The acknowledgement of what the address names. */
  function hello({ id, data }: Frame): void {
    heartbeatMs = Number(fieldOf(data, 'heartbeatMs')) || HEARTBEAT_MS
    const { places: named, since } = addressed
    addressed = NOTHING
    for (const place of named) {
      // One that was left meanwhile is left by the message that waits.
      if (places.get(place.name) === place) places.acknowledge(place, since ?? id)
    }
    resuming = since === undefined ? null : named
    joined()
  }

  /** What is not stored has no id of its own: it comes once, however often its id does. */
  function isNew({ id, event }: Frame): boolean {
    if (isControl(event) || isUnstored(event)) return true
    const key = `${id} ${event}`
    if (delivered.has(key)) return false
    delivered.add(key)
    for (const oldest of delivered) {
      if (delivered.size <= REMEMBERED) break
      delivered.delete(oldest)
    }
    return true
  }

  function send(message: unknown): boolean {
    if (!socket || !isOpen) return false
    requests.spend()
    post(message)
    return true
  }

  function post(message: unknown): void {
    socket?.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    open,
    close,
    send,
    join(channel) {
      const place = places.add(channel)
      if (place && isOpen) requests.join(place.name)
    },
    leave(channel) {
      const place = places.remove(channel)
      if (place && isOpen) requests.leave(place.name, place.isHeld || addressed.places.includes(place))
    },
  }
}

function addressOf({ baseUrl, agentId, sessionId, token }: SocketOptions, { places, since }: Addressed): string {
  const query = new URLSearchParams({ global: '0', more: '1' })
  const given = { agent_id: agentId, session_id: sessionId, token, lastEventId: since }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value)
  // Not escaped, as nothing in their names needs it: escapes would make the address a tenth longer.
  const channels = places.length > 0 ? `&channels=${places.map(({ spelled }) => spelled).join(',')}` : ''
  return `${baseUrl.replace(/^http/, 'ws')}/ws?${query}${channels}`
}

interface EventMessage extends Frame {
  readonly type?: string
  /** No place to come back to: more follows that belongs to the id. */
  readonly more?: boolean
}

interface Message extends Answer {
  readonly message?: string
}

function parsed(text: string): Message {
  const unreadable = { type: 'error', code: 'PARSE_ERROR', message: 'the server sent what is not a JSON object' }
  try {
    return (JSON.parse(text) as Message | null) ?? unreadable
  } catch {
    return unreadable
  }
}
