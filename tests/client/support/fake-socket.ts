/** Sockets that a test controls: it sends messages to them, and reads what they send. */
import type { WebSocketMaker } from '../../../web/client/base/options.ts'

type Listener = (event: { data?: unknown; code?: number; reason?: string }) => void

export const EPOCH = '0000abcd'
export const at = (seq: number, epoch = EPOCH) => `${epoch}-${seq}`

export class FakeSocket {
  readonly readyState = 1
  readonly url: URL
  readonly sent: Array<Record<string, unknown>> = []
  isClosed = false
  /** Sees every message when it is sent. */
  onSend: (message: Record<string, unknown>) => void = () => undefined
  readonly #listeners = new Map<string, Listener>()

  constructor(url: string) {
    this.url = new URL(url)
  }

  /** What its address names, and from where. */
  get named(): readonly [channels: string | null, since: string | null] {
    const { searchParams } = this.url
    return [searchParams.get('channels'), searchParams.get('lastEventId')]
  }

  addEventListener(name: string, listener: Listener): void {
    this.#listeners.set(name, listener)
  }

  send(text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>
    this.sent.push(message)
    this.onSend(message)
  }

  close(): void {
    this.isClosed = true
  }

  hear(message: object): void {
    if (!this.isClosed) this.#listeners.get('message')?.({ data: JSON.stringify(message) })
  }

  /** `connected` and `hello`. */
  open(seq: number, resumed = true): void {
    this.#listeners.get('open')?.({})
    this.hear({ type: 'connected', clientId: 'c' })
    this.event('*', 'hello', seq, { resumed, heartbeatMs: 15_000 })
  }

  event(channel: string, event: string, seq: number, data: unknown = {}, more: object = {}): void {
    this.hear({ type: 'event', id: at(seq), channel, event, data, timestamp: 1, ...more })
  }

  /** Answers every request that is not answered yet. */
  acknowledge(): void {
    for (const { type, id, channel } of this.sent.splice(0)) {
      if (type === 'subscribe' || type === 'unsubscribe') this.hear({ type: 'ack', id, success: true, channel })
    }
  }

  cut(code = 1006, reason = ''): void {
    this.isClosed = true
    this.#listeners.get('close')?.({ code, reason })
  }
}

/** A constructor of fake sockets, and all sockets that it created. */
export function fakeSockets(): { readonly made: FakeSocket[]; readonly WebSocket: WebSocketMaker } {
  const made: FakeSocket[] = []
  class Made extends FakeSocket {
    constructor(url: string) {
      super(url)
      made.push(this)
    }
  }
  return { made, WebSocket: Made }
}
