/**
 * One open connection, from its opening to its end: the same class for Server-Sent Events, WebSocket and Socket.IO. A
 * transport contributes a framing and a sink.
 *
 *                 open()
 *   opening  ------------->  open  -------->  ended: done       limit, timeout or age reached, or no channel left
 *      |                                             draining   the server is going down
 *      |                                             expired    the client's credential has lapsed
 *      |                                             failed     cannot continue; the client should resume
 *      |                                             silent     no sign of life from the client (sockets)
 *      |                                             flooding   too many messages from the client (sockets)
 *      +--> ended: unopened, or any of these         lost       closed by the client, broken, or cut as stalled
 *
 * Ten thousand may be open, so it has no closures: each would retain a scope.
 */
import { RETRY_MS } from '../../shared/src/protocol.ts'
import type { Subject } from '../auth/subject.ts'
import { LongTimer } from '../base/long-timer.ts'
import type { Start } from '../sse/delivery/channel-change.ts'
import type { EndReason, Framing } from '../sse/delivery/framing.ts'
import type { Selection } from '../sse/delivery/selection.ts'
import { type DeliveryParts, Subscription, type SubscriptionOwner } from '../sse/delivery/subscription.ts'
import { type Place, UNLIMITED } from './connection-limit.ts'
import type { Drain } from './drain.ts'
import type { Heartbeat, HeartbeatListener, HeartbeatPackets, HeartbeatSlot } from './heartbeat.ts'
import { jittered } from './jitter.ts'
import { Lapse } from './lapse.ts'
import type { ConnectionRegistry, RegisteredConnection, Transport } from './registry.ts'
import type { CloseReason, ConnectionSink, SinkOwner } from './sink.ts'

/** What all connections share. */
export interface ConnectionDependencies {
  readonly delivery: DeliveryParts
  readonly registry: ConnectionRegistry
  readonly drain: Drain
  readonly heartbeat: Heartbeat
  readonly heartbeatMs: number
  /** Connections older than this, within 20 %, end; undefined: none does. */
  readonly maxAgeMs: number | undefined
}

export interface ConnectionOptions<S extends ConnectionSink> {
  readonly transport: Transport
  readonly framing: Framing
  /** Makes the sink. */
  connect(owner: SinkOwner): S
  readonly selection: Selection
  /** A board's opening has the statuses of its attempts after the snapshot. */
  readonly withOpeningFrames: boolean
  /** The connection stays when its last channel was deleted: the client may join others. */
  readonly outlivesChannels?: boolean
  /** The number of events after which the stream ends. */
  readonly limit?: number | undefined
  /** End after so long. */
  readonly timeoutMs?: number | undefined
  /** Whose credential opened it. Without one it never lapses. */
  readonly subject?: Credential
  /** It is given back when the connection has ended. */
  readonly place?: Place
  readonly observer?: ConnectionObserver
}

/** What ends a connection together with the credential that opened it. */
export type Credential = Pick<Subject, 'expiresAt' | 'keyId'>

export interface ConnectionObserver {
  /** The connection has ended, for whatever reason. Called once. */
  onEnd(reason: Ending): void
}

export type Ending = CloseReason | 'lost'

type State = { readonly phase: 'opening' | 'open' } | { readonly phase: 'ended'; readonly reason: Ending }

// Constants, so that a state costs a connection no object.
const OPENING: State = { phase: 'opening' }
const OPEN: State = { phase: 'open' }

export class Connection<S extends ConnectionSink = ConnectionSink>
  implements RegisteredConnection, HeartbeatListener, SinkOwner, SubscriptionOwner
{
  readonly transport: Transport
  readonly sink: S
  readonly subscription: Subscription
  readonly #shared: ConnectionDependencies
  readonly #observer: ConnectionObserver | undefined
  readonly #heartbeatSlot: HeartbeatSlot
  readonly #timers: readonly LongTimer[] | null
  readonly #place: Place
  #keyId: string
  #lapse: Lapse | null
  #state: State = OPENING

  constructor(shared: ConnectionDependencies, options: ConnectionOptions<S>) {
    const { selection, framing, withOpeningFrames, outlivesChannels, limit } = options
    this.transport = options.transport
    this.sink = options.connect(this)
    this.subscription = new Subscription(shared.delivery, {
      selection,
      framing,
      sink: this.sink,
      limit,
      withOpeningFrames,
      outlivesChannels: outlivesChannels ?? false,
      owner: this,
    })
    this.#shared = shared
    this.#observer = options.observer
    this.#heartbeatSlot = shared.heartbeat.add(this)
    shared.registry.add(this)
    shared.drain.include(this)
    this.#timers = endTimers(this.subscription, [options.timeoutMs, shared.maxAgeMs && jittered(shared.maxAgeMs)])
    this.#place = options.place ?? UNLIMITED
    this.#keyId = options.subject?.keyId ?? ''
    this.#lapse = lapseAt(this.subscription, options.subject?.expiresAt ?? Infinity)
  }

  get keyId(): string {
    return this.#keyId
  }

  get hasEnded(): boolean {
    return this.#state.phase === 'ended'
  }

  /** Sends `hello` and what `start` asks for. If it rejects, the connection has ended as `unopened`. */
  async open(start: Start, connectionId: string): Promise<void> {
    if (this.#state !== OPENING) return
    this.#state = OPEN
    const { heartbeatMs } = this.#shared
    try {
      await this.subscription.open(start, { connectionId, heartbeatMs, retryMs: jittered(RETRY_MS) })
    } catch (error) {
      this.end('unopened')
      throw error
    }
  }

  /** Ends the connection at once. Safe to call twice. */
  end(reason: CloseReason): void {
    if (this.hasEnded) return
    this.subscription.close()
    this.sink.end(reason)
    this.#finish(reason)
  }

  /** The client has a new credential. */
  renew({ expiresAt, keyId }: Credential): void {
    this.#keyId = keyId
    this.#lapse?.clear()
    this.#lapse = this.hasEnded ? null : lapseAt(this.subscription, expiresAt)
  }

  /** [HeartbeatListener] */
  heartbeat(packetFor: HeartbeatPackets): void {
    const { sink } = this
    // Behind pending bytes a ping would only wait. Taking those bytes is a sign of life too.
    if (sink.ping && sink.pendingBytes === 0) sink.ping()
    this.subscription.heartbeat(packetFor)
  }

  /** [SinkOwner] */
  onClose(): void {
    this.subscription.close()
    this.#finish('lost')
  }

  /** [SubscriptionOwner] The sink has been ended already. */
  onEnd(reason: EndReason): void {
    this.#finish(reason)
  }

  #finish(reason: Ending): void {
    if (this.hasEnded) return
    this.#state = { phase: 'ended', reason }
    this.#heartbeatSlot.delete(this)
    this.#shared.registry.remove(this)
    for (const timer of this.#timers ?? []) timer.clear()
    this.#lapse?.clear()
    this.#place.giveBack()
    this.#observer?.onEnd(reason)
  }
}

function endTimers(subscription: Subscription, delays: ReadonlyArray<number | undefined>): LongTimer[] | null {
  const timers = delays.flatMap((ms) => (ms ? [new LongTimer(() => subscription.finish(), ms)] : []))
  return timers.length > 0 ? timers : null
}

function lapseAt(subscription: Subscription, expiresAt: number): Lapse | null {
  return expiresAt === Infinity ? null : new Lapse(subscription, expiresAt)
}
