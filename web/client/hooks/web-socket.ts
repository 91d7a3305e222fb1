/** A socket of a component's own. */
import type { WebSocketMaker } from '../base/options.ts'
import type { Frame } from '../base/types.ts'
import { ChannelSocket, CLOSED } from '../socket/channel-socket.ts'
import { type Framework, useLatest, useValue } from './framework.ts'

export interface WebSocketOptions {
  /** Channels that are added later are joined, and those that are removed are left, as `subscribe` and `unsubscribe` do. */
  readonly channels?: readonly string[] | undefined
  /** The agent whose presence the socket shows, and who sends its messages. */
  readonly agentId?: string | undefined
  readonly sessionId?: string | undefined
  /** Default: what the hub's `auth` returns. */
  readonly token?: string | undefined
  /** Gets every event once. `lastMessage` only has the newest. */
  readonly onEvent?: ((event: Frame) => void) | undefined
  /** Default: true. If false, the socket waits for `reconnect`. */
  readonly autoConnect?: boolean | undefined
  /** For environments without one, and for tests. */
  readonly WebSocket?: WebSocketMaker | undefined
}

export interface WebSocketConnection {
  readonly connected: boolean
  readonly connecting: boolean
  readonly lastMessage: Frame | null
  readonly error: Error | null
  /** Sends an object as JSON. Returns whether it was sent: nothing is queued. */
  send(message: unknown): boolean
  subscribe(channel: string): void
  unsubscribe(channel: string): void
  /** Opens the socket, or opens it again. */
  reconnect(): void
}

/** For publishing and presence. Components that only listen share one stream with the other hooks. */
export function useSocket(fw: Framework, options: WebSocketOptions = {}): WebSocketConnection {
  const { channels = [], agentId, sessionId, token, autoConnect = true, WebSocket } = options
  const hub = fw.useHub()
  const onEvent = useLatest(fw, options.onEvent)
  const names = JSON.stringify([...channels].sort())
  const joined = fw.useRef(channels)
  const socket = fw.useMemo(() => {
    if (!hub) return null
    const { baseUrl, clock } = hub
    const auth = token === undefined ? hub.auth : () => token
    return new ChannelSocket({ baseUrl, channels, agentId, sessionId, auth, WebSocket, clock, onEvent })
  }, [hub, agentId, sessionId, token, WebSocket])
  fw.useEffect(() => {
    if (autoConnect) socket?.open()
    return () => socket?.close()
  }, [socket, autoConnect])
  // On the same socket: a new one would miss the events in between.
  fw.useEffect(() => {
    for (const channel of joined.current) if (!channels.includes(channel)) socket?.leave(channel)
    for (const channel of channels) socket?.join(channel)
    joined.current = channels
    return undefined
  }, [socket, names])
  const state = useValue(fw, socket, CLOSED)
  const functions = fw.useMemo(
    () => ({
      send: (message: unknown) => socket?.send(message) ?? false,
      subscribe: (channel: string) => socket?.join(channel),
      unsubscribe: (channel: string) => socket?.leave(channel),
      reconnect: () => socket?.open(),
    }),
    [socket],
  )
  return { ...state, ...functions }
}
