/** Streams, as a test uses them. */
import type { Envelope } from '../cli/stream/envelope.ts'
import type { TransportName } from '../cli/stream/transport.ts'
import { connectedApi } from './api.ts'
import { endsWithTest } from './lifetime.ts'
import { nextEvent } from './next-event.ts'
import type { EventPattern } from './pattern.ts'
import { Received } from './received.ts'

export interface StreamOptions {
  /** Listens to this board, where events have wire names such as `card_moved`. */
  readonly board?: string
  /** Default: `global`, where events have their domain names such as `card.moved`. */
  readonly channels?: readonly string[]
  /** Only events with these names; `card_*` stands for a family. */
  readonly types?: readonly string[]
  /** An id: listens from the event after it on. Default: from now on. */
  readonly since?: string
  readonly token?: string
  /** Default: `sse`. */
  readonly transport?: TransportName
}

export interface EventStream {
  /** Everything that came, in order, but for control events and snapshots. It grows. */
  readonly events: readonly Envelope[]
  /** Everything up to this id has come. */
  readonly cursor: string
  /**
   * Matchers and `next` look only at what comes after this. What calls of `api` have caused before it is not looked at,
   * even if it comes later.
   */
  mark(): void
  /**
   * The next event that fits, in order: each call goes on behind the event that the last one returned. Rejects with a
   * report if none has come within 2,000 ms.
   */
  next(pattern?: EventPattern, options?: { readonly within?: number }): Promise<Envelope>
  /** Ends the stream. Matchers can still be used on what came. */
  close(): Promise<void>
}

/** Resolves when the stream has begun: events from then on are seen. Rejects if the server refuses it. Ends with the test. */
export async function openStream(url: string, options: StreamOptions = {}): Promise<EventStream> {
  const { board, channels, token } = options
  if (board !== undefined && channels !== undefined) throw new TypeError('give board or channels, not both')
  const names = board === undefined ? (channels ?? ['global']) : [`board:${board}`]
  if (names.length === 0) throw new TypeError('channels is empty: leave it out to listen to global')
  const received = new Received(connectedApi(url, token), { ...options, channels: names })
  await endsWithTest(() => received.close())
  await received.opened
  return new OpenStream(received)
}

class OpenStream implements EventStream {
  readonly #received: Received
  #position = 0

  constructor(received: Received) {
    this.#received = received
  }

  /** For matchers; undefined for anything that `openStream` has not returned. */
  static receivedOn(value: unknown): Received | undefined {
    return value instanceof OpenStream ? value.#received : undefined
  }

  get events(): readonly Envelope[] {
    return this.#received.events
  }

  get cursor(): string {
    return this.#received.cursor
  }

  mark(): void {
    this.#received.mark()
    this.#position = this.#received.events.length
  }

  async next(pattern?: EventPattern, options: { readonly within?: number } = {}): Promise<Envelope> {
    const { event, position } = await nextEvent(this.#received, this.#position, pattern, options)
    this.#position = position
    return event
  }

  close(): Promise<void> {
    return this.#received.close()
  }
}

export const { receivedOn } = OpenStream
