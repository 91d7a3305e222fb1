/**
 * A stream over a channel socket (docs/protocol.md, W20 to W29). The channels and the cursor are in its address, so it opens
 * and resumes like a stream over HTTP; for other channels another socket is opened.
 */
import { isControl, isFrame } from '../base/frames.ts'
import type { WebSocketLike, WebSocketMaker } from '../base/options.ts'
import type { Frame } from '../base/types.ts'
import { type StreamEnd, streamUrl, type Transport } from './transport.ts'

const CLOSED = 3

const CLOSE_STATUS: Readonly<Record<number, number>> = { 1008: 404, 4401: 401, 4429: 429 }
/** Done; the server shuts down; no code; a proxy or the server restarts; the server saw no sign of life. */
const CLEAN: ReadonlySet<number> = new Set([1000, 1001, 1005, 1012, 4408])

export function wsTransport(WebSocket: WebSocketMaker): Transport {
  return {
    name: 'ws',
    open(request, events) {
      const url = streamUrl(request).replace(/^http/, 'ws').replace('/sse?', '/ws?global=0&more=1&')
      const socket: WebSocketLike = new WebSocket(url)
      let isOpen = false
      let isClosed = false
      let accepted: (() => void) | undefined

      socket.addEventListener('open', () => {
        isOpen = true
      })
      socket.addEventListener('message', ({ data }) => {
        if (!isClosed) receive(String(data))
      })
      socket.addEventListener('error', () => {
        // `close` follows with the reason, but not in Chromium when the page's policy forbids the socket.
        if (socket.readyState === CLOSED) setTimeout(() => end({ isRefusal: true }))
      })
      socket.addEventListener('close', ({ code = 1006, reason }) => {
        const status = CLOSE_STATUS[code]
        const given = { ...(status && { status }), ...(reason && { detail: reason }), isCleanEnd: CLEAN.has(code) }
        // A socket that never opened gives no reason.
        end(isOpen ? given : { isRefusal: true })
      })
      return { close, renew }

      function renew(token: string, then: () => void): void {
        accepted = then
        socket.send(JSON.stringify({ type: 'auth', token, id: 'renewal' }))
      }

      function receive(text: string): void {
        const message = parse(text)
        const hasMore = message?.more
        if (message?.type === 'event' && isFrame(message)) {
          const { event, id } = message
          events.frame({ event, data: text, id: hasMore || isControl(event) ? undefined : id })
        } else if (message?.type === 'error') end({ detail: message.message ?? 'the socket failed' })
        else if (message?.type === 'ack' && message.success) accepted?.()
        // Whether another socket would be refused, and for which of its channels, shows when it is opened.
        else if (message?.type === 'ack' || message?.type === 'unsubscribed') end({ isCleanEnd: true })
        // A frame without a name is counted as unreadable.
        else if (message?.type !== 'connected') events.frame({ event: '', data: text })
      }

      function end(end: StreamEnd): void {
        if (isClosed) return
        close()
        events.end(end)
      }

      function close(): void {
        isClosed = true
        socket.close()
      }
    },
  }
}

interface Message extends Partial<Frame> {
  readonly type?: string
  readonly message?: string
  readonly success?: boolean
  /** More frames with this id follow, so a stream cannot be resumed from here. */
  readonly more?: boolean
}

function parse(text: string): Message | undefined {
  try {
    return JSON.parse(text)
  } catch {
    // Counted as unreadable.
    return undefined
  }
}
