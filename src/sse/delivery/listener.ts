/**
 * One listener: what it is subscribed to, which state it is in, and what is written to its connection. It has no queue.
 * It takes segments from its audience while it has caught up, and reads pages of the log while it is behind
 * (replay.ts). A connection that resumes from an old cursor starts behind; so does a fresh one, at the sequence number
 * of its snapshot. That is all the replay there is: old and new events are never merged.
 *
 * The rule behind all of it: whatever is written advances the sequence number that the connection has reached, by the
 * next events there are. Nothing is skipped, nothing is sent twice, and ids never go back.
 */
import type { Audience, Member, Segment } from './audience.ts'
import type { Membership } from './audiences.ts'
import { boundaryOf, hasSnapshots, segmentsAfter } from './backlog.ts'
import { type EndReason, type Framing, MAX_PENDING_BYTES, type Sink } from './framing.ts'
import {
  type Behind,
  behindAt,
  CAUGHT_UP,
  canFollow,
  ENDED,
  type MissedSnapshots,
  type Opening,
  type State,
} from './listener-state.ts'
import { Meter, UNLIMITED } from './meter.ts'
import type { DeliveryParts } from './parts.ts'
import type { Selection } from './selection.ts'

export interface ListenerOptions {
  readonly selection: Selection
  readonly framing: Framing
  readonly sink: Sink
  /** The number of events after which the stream ends. */
  readonly limit?: number | undefined
  /** A stream of one board opens with more than the snapshot: the statuses of its attempts. */
  readonly withOpeningFrames: boolean
  /** The connection stays when its last channel was deleted: the client may join others. */
  readonly outlivesChannels?: boolean
}

/** What a listener needs of its subscription. */
export interface ListenerOwner {
  /** There is work to do: a page, a change of channels. */
  requestStep(): void
  /** The listener ended by itself. Called once. */
  onEnd(reason: EndReason): void
}

export class Listener implements Member {
  // Ten thousand may be open: what they share (selection, framing) is reached through the audience.
  readonly delivery: DeliveryParts
  readonly sink: Sink
  readonly withOpeningFrames: boolean
  /**
   * Every event to everyone after this sequence number has been sent. Infinity until the client holds a channel that it
   * named: it counts from that channel's acknowledgement on, so what was sent to everyone before is sent again after it.
   */
  everyoneSentFrom = Infinity
  readonly #outlivesChannels: boolean
  readonly #owner: ListenerOwner
  readonly #meter: Meter
  #membership: Membership
  #state: State = { phase: 'opening', deferred: [] } satisfies Opening

  constructor(delivery: DeliveryParts, options: ListenerOptions, owner: ListenerOwner) {
    const { selection, framing, limit } = options
    this.delivery = delivery
    this.sink = options.sink
    this.withOpeningFrames = options.withOpeningFrames
    this.#outlivesChannels = options.outlivesChannels ?? false
    this.#owner = owner
    this.#membership = delivery.bus.subscribe(selection, framing)
    this.#meter = limit === undefined ? UNLIMITED : new Meter(limit)
  }

  get state(): State {
    return this.#state
  }

  get audience(): Audience {
    return this.#membership.audience
  }

  get selection(): Selection {
    return this.#membership.audience.selection
  }

  get framing(): Framing {
    return this.#membership.audience.framing
  }

  /** Everything up to this sequence number has been sent. */
  get reached(): number {
    return this.#state.phase === 'behind' ? this.#state.seq : this.delivery.bus.head
  }

  cursor(seq: number): string {
    return this.delivery.bus.cursor(seq)
  }

  /** [Member] Writes a segment of new events, or falls behind before it. */
  offer(offered: Segment): void {
    if (this.#state !== CAUGHT_UP) {
      this.#keep(offered)
      return
    }
    const { sink } = this
    const { length } = offered.packet.bytes
    if (sink.pendingBytes > 0 && sink.pendingBytes + length > MAX_PENDING_BYTES) {
      this.waitForRoom(this.#fallBehind(offered.first - 1, 'all'))
      return
    }
    this.write(offered)
  }

  /** Writes a segment. Channels that it ends are left; when none remains, so is the connection. */
  write(segment: Segment): void {
    this.writeReplayed(segment)
    if (segment.ends.length > 0 && this.#state !== ENDED) this.#leaveEnded(segment.ends, segment.last)
  }

  /**
   * As `write`, but a channel that ended in the past is not left: that a board exists again was checked when it was
   * joined.
   */
  writeReplayed(segment: Segment): void {
    this.sink.write(this.#meter.pass(segment, this.framing).packet)
    if (this.#meter.isSpent) this.end('done')
  }

  writeFrames(frames: readonly string[]): void {
    if (frames.length > 0) this.sink.write(this.framing.pack(frames))
  }

  /** The opening was sent; calls that were deferred are made now. */
  opened(seq: number, missedSnapshots: MissedSnapshots): void {
    const deferred = this.#state.phase === 'opening' ? this.#state.deferred : []
    this.#enter(behindAt(seq, missedSnapshots))
    if (this.selection.isNamed) this.everyoneSentFrom = seq
    for (const call of deferred) call()
  }

  /**
   * Leaves a listener that has caught up behind, because a change of channels needs the log. It stays in the audience to
   * notice snapshots that it misses. False: what was held back until now has ended it, or found no room.
   */
  fallBehindForChange(): Behind | null {
    if (!this.releaseHeldLines()) return null
    const state = behindAt(this.delivery.bus.head, [])
    state.hasReadToEnd = true
    this.#enter(state)
    this.#owner.requestStep()
    return state
  }

  /** No room now: the log has everything later. */
  fallBehindUntilDrained(): void {
    if (!this.releaseHeldLines()) return
    this.waitForRoom(this.#fallBehind(this.delivery.bus.head, 'all'))
  }

  #fallBehind(seq: number, missedSnapshots: MissedSnapshots): Behind {
    this.audience.leave(this)
    const state = behindAt(seq, missedSnapshots)
    this.#enter(state)
    return state
  }

  /** Everything published has been sent, except what is in the backlog. */
  finishCatchingUp({ seq, backlog }: Behind): void {
    this.#enter(CAUGHT_UP)
    if (!backlog) {
      this.#joinAudience()
      return
    }
    for (const segment of segmentsAfter(backlog, seq, this.framing)) {
      if (this.#state !== CAUGHT_UP) return
      this.offer(segment)
    }
  }

  /** Ends the stream as its transport does, and forgets the listener. */
  end(reason: EndReason): void {
    if (this.#state === ENDED) return
    this.close()
    this.sink.end(reason)
    this.#owner.onEnd(reason)
  }

  /** Forgets the listener, whose connection was closed. Safe to call twice. */
  close(): void {
    const state = this.#state
    if (state === ENDED) return
    this.#enter(ENDED)
    if (state.phase === 'behind') state.channelReplay?.membership.leave()
    this.audience.leave(this)
    this.#membership.leave()
  }

  #enter(next: State): void {
    if (!canFollow(this.#state, next))
      throw new Error(`a listener never goes from ${this.#state.phase} to ${next.phase}`)
    this.#state = next
  }

  /** Lines that are held back to be joined are flushed. False if that ended the listener or left it behind. */
  releaseHeldLines(): boolean {
    this.audience.release()
    return this.#state === CAUGHT_UP
  }

  /** From now on what the audience flushes is kept, so that it can be sent as soon as the log is read up to here. */
  startBacklog(state: Behind): void {
    this.#joinAudience()
    state.backlog = { from: this.delivery.bus.head, segments: [], bytes: 0 }
  }

  /** The log is read instead. */
  dropBacklog(state: Behind): void {
    this.audience.leave(this)
    state.backlog = null
    state.hasReadToEnd = false
    state.missedSnapshots = 'all'
  }

  /** The sequence number up to which the log must be read before the backlog continues it. */
  backlogBoundary(state: Behind): number {
    if (!state.backlog) return state.seq
    // Lines that are held back began before the snapshot that was sent; flushed, they show where they end.
    if (state.seq > state.backlog.from) this.audience.release()
    return state.backlog ? boundaryOf(state.backlog, state.seq) : state.seq
  }

  /** Moves to the audience with another selection. Nothing is missed in between. */
  switchTo(selection: Selection): void {
    const state = this.#state
    const wasMember = this.audience.leave(this)
    if (state.phase === 'behind' && state.backlog) {
      if (state.backlog.segments.some(hasSnapshots)) state.missedSnapshots = 'all'
      state.backlog = null
    }
    this.#subscribe(selection)
    if (wasMember) this.#joinAudience()
  }

  /** A member that is in the audience already must not get again what joining flushes. */
  #joinAudience(): void {
    this.audience.leave(this)
    this.audience.join(this)
  }

  #subscribe(selection: Selection): void {
    const { framing } = this
    this.#membership.leave()
    this.#membership = this.delivery.bus.subscribe(selection, framing)
  }

  /** Goes on without channels that ended; ends when none is left. */
  #leaveEnded(channels: readonly string[], seq: number): void {
    const rest = this.selection.without(channels)
    if (rest.channels.length === this.selection.channels.length) return
    if (rest.channels.length === 0 && !this.#outlivesChannels) {
      this.end('done')
      return
    }
    const state = this.#state
    if (state.phase === 'behind' && state.backlog) this.dropBacklog(state)
    this.audience.leave(this)
    this.#subscribe(rest)
    if (state !== CAUGHT_UP) return
    // The other events of this turn are read from the log; snapshots of this turn were missed.
    this.#enter(behindAt(seq, 'all'))
    this.#owner.requestStep()
  }

  /** Of a listener that is behind and in its audience nevertheless. */
  #keep(segment: Segment): void {
    const state = this.#state
    if (state.phase !== 'behind') return
    const { backlog } = state
    if (!backlog) {
      if (hasSnapshots(segment)) state.missedSnapshots = 'all'
      return
    }
    backlog.segments.push(segment)
    backlog.bytes += segment.packet.bytes.length
    if (this.sink.pendingBytes + backlog.bytes > MAX_PENDING_BYTES) this.dropBacklog(state)
  }

  /** Nothing is read for a connection that does not take what was written. */
  waitForRoom(state: Behind): void {
    state.isWaiting = true
    this.sink.onceDrained(() => {
      if (this.#state !== state) return
      state.isWaiting = false
      this.#owner.requestStep()
    })
  }
}
