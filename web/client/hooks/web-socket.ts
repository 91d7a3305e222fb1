import type { WebSocketMaker } from '../core/options.ts'
import type { Frame } from '../core/types.ts'
import { CLOSED, channelSocket } from '../stores/channel-socket.ts'
import { type Framework, useLatest, useValue } from './framework.ts'

export interface WebSocketOptions {
  /** Those that are added later are joined, and those that are taken away are left; so do `subscribe` and `unsubscribe`. */
  readonly channels?: readonly string[] | undefined
  /** Whose presence the socket shows, and who its messages are from. */
  readonly agentId?: string | undefined
  readonly sessionId?: string | undefined
  readonly token?: string | undefined
  /** Every event once. `lastMessage` only ever shows the newest. */
  readonly onEvent?: ((event: Frame) => void) | undefined
  /** Default: true. Else it waits for `reconnect`. */
  readonly autoConnect?: boolean | undefined
  /** Where there is none, or for tests. */
  readonly WebSocket?: WebSocketMaker | undefined
}

export interface WebSocketConnection {
  readonly connected: boolean
  readonly connecting: boolean
  readonly lastMessage: Frame | null
  readonly error: Error | null
  /** An object is sent as JSON. Answers whether it was sent: nothing is kept for later. */
  send(message: unknown): boolean
  subscribe(channel: string): void
  unsubscribe(channel: string): void
  /** Opens it, or opens it anew. */
  reconnect(): void
}

/**
 * A socket of the component's own, for publishing and for presence. To listen, `useRealtimeEvents` and the others share one
 * stream.
 */
export function useSocket(fw: Framework, options: WebSocketOptions = {}): WebSocketConnection {
  const { channels = [], agentId, sessionId, token, autoConnect = true, WebSocket } = options
  const hub = fw.useHub()
  const told = useLatest(fw, options.onEvent)
  const names = JSON.stringify([...channels].sort())
  const given = fw.useRef(channels)
  const socket = fw.useMemo(() => {
    if (!hub) return null
    const { baseUrl } = hub
    return channelSocket({ baseUrl, channels, agentId, sessionId, token, WebSocket, clock: hub.clock, onEvent: told })
  }, [hub, agentId, sessionId, token, WebSocket])
  fw.useEffect(() => {
    if (autoConnect) socket?.open()
    return () => socket?.close()
  }, [socket, autoConnect])
  // On the same socket: another one would miss what comes between the two.
  fw.useEffect(() => {
    for (const channel of given.current) if (!channels.includes(channel)) socket?.leave(channel)
    for (const channel of channels) socket?.join(channel)
    given.current = channels
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
