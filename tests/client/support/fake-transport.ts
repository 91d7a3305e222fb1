/** A transport whose streams a test controls. */
import type { Credentials } from '../../../web/client/base/options.ts'
import type { StreamEnd, StreamRequest, Transport, TransportEvents } from '../../../web/client/connection/transport.ts'

export const EPOCH = '5d3c9b1e'

export class FakeStream {
  readonly request: StreamRequest
  isClosed = false
  readonly #events: TransportEvents

  constructor(request: StreamRequest, events: TransportEvents) {
    this.request = request
    this.#events = events
  }

  get channels(): string {
    return this.request.channels.join(',')
  }

  get credentials(): Credentials {
    return this.request.credentials
  }

  hello(more: { seq?: number; resumed?: boolean; heartbeatMs?: number } = {}): void {
    const { seq = 0, resumed = true, heartbeatMs = 15_000 } = more
    const data = { serverTime: '2026-01-01T00:00:00.000Z', connectionId: 'c', resumed, heartbeatMs }
    this.frame('*', 'hello', data, { seq, isCheckpoint: resumed })
  }

  heartbeat(seq: number): void {
    this.frame('*', 'heartbeat', { ts: 1 }, { seq })
  }

  frame(
    channel: string,
    event: string,
    data: unknown,
    { seq, isCheckpoint = true }: { seq: number; isCheckpoint?: boolean },
  ): void {
    const id = `${EPOCH}-${seq}`
    this.raw(
      event,
      JSON.stringify({ channel, event, data, timestamp: 1_750_000_000_000 + seq, id }),
      isCheckpoint ? id : undefined,
    )
  }

  raw(event: string, data: string, id?: string): void {
    if (!this.isClosed) this.#events.frame({ event, data, id })
  }

  retry(ms: number): void {
    this.#events.retry(ms)
  }

  end(end: StreamEnd = {}): void {
    if (!this.isClosed) this.#events.end(end)
  }
}

export class FakeTransport implements Transport {
  readonly name = 'fetch'
  readonly streams: FakeStream[] = []

  open(request: StreamRequest, events: TransportEvents) {
    const stream = new FakeStream(request, events)
    this.streams.push(stream)
    return {
      close: () => {
        stream.isClosed = true
      },
    }
  }

  /** The newest stream. */
  get stream(): FakeStream {
    const stream = this.streams.at(-1)
    if (!stream) throw new Error('no stream was opened')
    return stream
  }
}
