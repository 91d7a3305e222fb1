/**
 * One open stream, and what has to be undone when it ends, for whatever reason. An object without closures of its own:
 * ten thousand may be open, and each closure would hold a scope.
 */
import { LongTimer } from '../base/long-timer.ts'
import { type Connection, type Connections, spread } from './delivery/connections.ts'
import type { Framing } from './delivery/framing.ts'
import type { Heartbeat, Spoke } from './delivery/heartbeat.ts'
import { type Hub, Subscription } from './delivery/subscription.ts'
import type { StreamRequest } from './request.ts'
import type { HttpSink, SinkOwner } from './wire/sink.ts'

/** What streams share. */
export interface StreamHost {
  readonly hub: Hub
  readonly connections: Connections
  readonly heartbeat: Heartbeat
  /** Streams older than this, within 20 %, end without a word; undefined: none does. */
  readonly maxAgeMs: number | undefined
}

export class OpenStream implements Connection {
  readonly transport = 'sse'
  readonly sink: HttpSink
  readonly subscription: Subscription
  readonly #connections: Connections
  readonly #spoke: Spoke
  readonly #timers: readonly LongTimer[] | null

  constructor(
    { hub, connections, heartbeat, maxAgeMs }: StreamHost,
    request: StreamRequest,
    framing: Framing,
    sinkFor: (owner: SinkOwner) => HttpSink,
  ) {
    this.sink = sinkFor(this)
    this.subscription = new Subscription(hub, {
      selection: request.selection,
      framing,
      sink: this.sink,
      limit: request.limit,
      withOpeningFrames: !request.isChannelStream,
      owner: this,
    })
    this.#connections = connections
    this.#spoke = heartbeat.add(this.subscription)
    connections.add(this)
    this.#timers = timersFor(this.subscription, [request.timeoutMs, maxAgeMs && spread(maxAgeMs)])
  }

  /** The connection is gone. */
  onClose(): void {
    this.subscription.close()
    this.onEnd()
  }

  /** The subscription has ended. Safe to call twice. */
  onEnd(): void {
    this.#spoke.delete(this.subscription)
    this.#connections.remove(this)
    for (const timer of this.#timers ?? []) timer.clear()
  }
}

function timersFor(subscription: Subscription, delays: ReadonlyArray<number | undefined>): LongTimer[] | null {
  const timers = delays.flatMap((ms) => (ms ? [new LongTimer(() => subscription.finish(), ms)] : []))
  return timers.length > 0 ? timers : null
}
