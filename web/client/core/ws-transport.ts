/**
 * A stream over a channel socket (docs/protocol.md, W20 to W29). Its channels and the cursor are in its address, so that it
 * opens, resumes and goes on as the stream over HTTP does; other channels are another socket.
 */
import { isControl, isFrame } from './frames.ts'
import type { WebSocketLike, WebSocketMaker } from './options.ts'
import { type StreamEnd, streamUrl, type Transport } from './transport.ts'
import type { Frame } from './types.ts'

const CLOSED = 3

const CLOSE_STATUS: Readonly<Record<number, number>> = { 1008: 404, 4401: 401, 4429: 429 }
/** Done; the server goes down; no code; a proxy or the server begins anew; nothing was heard of this side. */
const PROPER: ReadonlySet<number> = new Set([1000, 1001, 1005, 1012, 4408])

export function wsTransport(WebSocket: WebSocketMaker): Transport {
  return {
    name: 'ws',
    open(request, events) {
      const url = streamUrl(request, true).replace(/^http/, 'ws').replace('/sse?', '/ws?global=0&more=1&')
      const socket: WebSocketLike = new WebSocket(url)
      let isOpen = false
      let isOver = false

      socket.addEventListener('open', () => {
        isOpen = true
      })
      socket.addEventListener('message', ({ data }) => {
        if (!isOver) hear(String(data))
      })
      socket.addEventListener('error', () => {
        // `close` follows and says more, but not in Chromium where the page's policy forbids the socket.
        if (socket.readyState === CLOSED) setTimeout(() => end({ isRefusal: true }))
      })
      socket.addEventListener('close', ({ code = 1006, reason }) => {
        const status = CLOSE_STATUS[code]
        // A socket that never opened does not tell why.
        const said = { ...(status && { status }), ...(reason && { detail: reason }), isProper: PROPER.has(code) }
        end(isOpen ? said : { isRefusal: true })
      })
      return { close }

      function hear(text: string): void {
        const message = parse(text)
        const hasMore = message?.more
        if (message?.type === 'event' && isFrame(message)) {
          const { event, id } = message
          events.frame({ event, data: text, id: hasMore || isControl(event) ? undefined : id })
        } else if (message?.type === 'error') end({ detail: message.message ?? 'the socket failed' })
        else if (message?.type !== 'connected') events.frame({ event: '', data: text })
      }

      function end(said: StreamEnd): void {
        if (isOver) return
        close()
        events.end(said)
      }

      function close(): void {
        isOver = true
        socket.close()
      }
    },
  }
}

interface Message extends Partial<Frame> {
  readonly type?: string
  readonly message?: string
  /** No place to come back to: more follows that belongs to the id. */
  readonly more?: boolean
}

function parse(text: string): Message | undefined {
  try {
    return JSON.parse(text)
  } catch {
    // Told as a frame that cannot be read, and counted there.
    return undefined
  }
}
