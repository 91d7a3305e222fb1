/**
 * A stream over a channel socket (docs/protocol.md, W20 to W41): other channels need no new connection.
 *
 * Channels are joined one by one, from `now` on, and only then is it known where the stream stands: the snapshot of
 * `metrics`, asked for last, names a position up to which everything has been sent. That is when hello is told; readers
 * that were further back read what lies between from the log. A socket's own replay would not do: it tells one channel
 * after the other, and ids go back meanwhile.
 *
 * Messages do not say which is the last of an event that has several names, so an event is marked by what comes after it.
 */
import { CONTROL, EVERYONE, SNAPSHOT } from '../../../shared/src/protocol.ts'
import { isControl, isFrame } from './frames.ts'
import type { WebSocketLike, WebSocketMaker } from './options.ts'
import { queryOf, type StreamEnd, type Transport } from './transport.ts'
import type { Frame } from './types.ts'

const POSITION_CHANNEL = 'metrics'
/** A socket may send 10 messages a second, with bursts of 20 (W51). */
const BURST = 15
const PER_MS = 8 / 1_000
const CLOSE_STATUS: Readonly<Record<number, number>> = { 1008: 404, 4401: 401, 4429: 429 }
const ACK_STATUS: Readonly<Record<string, number>> = { FORBIDDEN: 403, RATE_LIMITED: 429, INVALID_CHANNEL: 404 }

interface Message {
  readonly type?: string
  readonly success?: boolean
  readonly code?: string
  readonly message?: string
}

interface Command {
  readonly type: 'subscribe' | 'unsubscribe'
  readonly channel: string
}

export function wsTransport(WebSocket: WebSocketMaker): Transport {
  return {
    name: 'ws',
    canChange: true,
    open({ baseUrl, channels, credentials }, events) {
      const query = new URLSearchParams({ global: '0', ...queryOf(credentials, true) })
      const socket: WebSocketLike = new WebSocket(`${baseUrl.replace(/^http/, 'ws')}/ws?${query}`)
      let wanted = channels
      /** What will be held when every command is carried out. */
      const held = new Set<string>()
      const unsent: Command[] = []
      /** Of subscriptions that were not answered yet, in the order of their answers; null for what is no subscription. */
      const unanswered: Array<string | null> = []
      let tokens = BURST
      let refilledAt = Date.now()
      let pacing: ReturnType<typeof setTimeout> | undefined
      let hello: Frame | undefined
      let stands = false
      let isMoving = true
      let unmarked: string | undefined
      let isOpen = false
      let isOver = false

      socket.addEventListener('open', () => {
        isOpen = true
        move()
      })
      socket.addEventListener('message', ({ data }) => {
        if (!isOver) hear(String(data))
      })
      socket.addEventListener('error', () => {
        // `close` follows, and says as much as there is to say.
      })
      socket.addEventListener('close', ({ code = 1006, reason }) => {
        const status = CLOSE_STATUS[code]
        // A socket that never opened does not tell why.
        end(isOpen ? { ...(status && { status }), ...(reason && { detail: reason }) } : { isRefusal: true })
      })
      return {
        close,
        change(next) {
          wanted = next
          if (isOpen) move()
        },
      }

      /** Joins and leaves what it takes, and asks where the stream stands then. */
      function move(): void {
        isMoving = true
        for (const channel of held) if (!wanted.includes(channel)) command('unsubscribe', channel)
        for (const channel of wanted) {
          if (!held.has(channel) && channel !== POSITION_CHANNEL) command('subscribe', channel)
        }
        command('subscribe', POSITION_CHANNEL)
        if (!wanted.includes(POSITION_CHANNEL)) command('unsubscribe', POSITION_CHANNEL)
        send()
      }

      function command(type: Command['type'], channel: string): void {
        unsent.push({ type, channel })
        if (type === 'subscribe') held.add(channel)
        else held.delete(channel)
      }

      function send(): void {
        const now = Date.now()
        tokens = Math.min(BURST, tokens + (now - refilledAt) * PER_MS)
        refilledAt = now
        for (const { type, channel } of unsent.splice(0, Math.floor(tokens))) {
          tokens -= 1
          unanswered.push(type === 'subscribe' ? channel : null)
          const since = channel === POSITION_CHANNEL ? {} : { since: 'now' }
          socket.send(JSON.stringify({ type, channel, id: channel, ...(type === 'subscribe' && since) }))
        }
        clearTimeout(pacing)
        if (unsent.length > 0) pacing = setTimeout(send, 1 / PER_MS)
      }

      function hear(text: string): void {
        const message = parse(text)
        if (message?.type === 'event' && isFrame(message)) tell(message, text)
        else if (message?.type === 'ack') answer(message)
        else if (message?.type === 'error') end({ detail: message.message ?? message.code ?? 'the socket failed' })
        else if (message?.type !== 'connected') events.frame({ event: '', data: text })
      }

      function answer({ success, code = '', message }: Message): void {
        unanswered.shift()
        if (!success) end({ status: ACK_STATUS[code] ?? 503, detail: message })
      }

      function tell(frame: Frame, text: string): void {
        if (frame.event === CONTROL.hello) hello = frame
        else {
          if (isMoving && frame.event === SNAPSHOT.metricUpdate && hello && hasJoinedAll()) stand(hello, frame.id)
          // Before the stream stands somewhere, it is not known what lies before an event.
          if (stands || isControl(frame.event)) pass(frame, text)
        }
      }

      function hasJoinedAll(): boolean {
        const isJoin = (channel: string | null) => channel !== null && channel !== POSITION_CHANNEL
        return !unanswered.some(isJoin) && !unsent.some(({ type, channel }) => type === 'subscribe' && isJoin(channel))
      }

      function stand(greeting: Frame, id: string): void {
        isMoving = false
        // Who was told everything so far has everything up to here.
        if (stands) mark(id)
        stands = true
        // Readers that were further back read what lies between: that is a resume, whatever the socket calls it.
        make({ ...greeting, id, data: { ...(greeting.data as object), resumed: true } })
      }

      function pass(frame: Frame, text: string): void {
        if (unmarked !== undefined && unmarked !== frame.id) mark(unmarked)
        if (!isControl(frame.event)) unmarked = frame.id
        events.frame({ event: frame.event, data: text })
      }

      function mark(id: string): void {
        unmarked = undefined
        make({ channel: EVERYONE, event: CONTROL.heartbeat, data: {}, timestamp: 0, id })
      }

      function make(frame: Frame): void {
        events.frame({ event: frame.event, data: JSON.stringify(frame) })
      }

      function end(said: StreamEnd): void {
        if (isOver) return
        close()
        events.end(said)
      }

      function close(): void {
        isOver = true
        clearTimeout(pacing)
        socket.close()
      }
    },
  }
}

function parse(text: string): (Message & Partial<Frame>) | undefined {
  try {
    return JSON.parse(text)
  } catch {
    // Told as a frame that cannot be read, and counted there.
    return undefined
  }
}
