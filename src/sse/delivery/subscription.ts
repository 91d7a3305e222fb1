/**
 * What a transport has of the core: one subscription per connection. The transport brings a framing and a sink, opens the
 * subscription, may change its channels, and ends it. What a listener does next, and in which order, is decided here.
 */
import type { ControlEvent } from '../../../shared/src/protocol.ts'
import { alone, applyWhileBehind, applyWhileCaughtUp } from './apply-change.ts'
import type { Steppable } from './catch-up.ts'
import { type ChannelChange, namesAfter, type Start } from './channel-change.ts'
import type { EndReason, Framing, Packet } from './framing.ts'
import { Listener, type ListenerOptions, type ListenerOwner } from './listener.ts'
import { type Behind, CAUGHT_UP, ENDED, hasMissedSnapshots } from './listener-state.ts'
import { type Greeting, helloFrame, openingFrames } from './opening-frames.ts'
import type { DeliveryParts } from './parts.ts'
import { lossFrame, readChannelReplay, readPage, renderMissedSnapshots } from './replay.ts'
import type { Selection, SubscribedChannel } from './selection.ts'

export type { DeliveryParts } from './parts.ts'

export interface SubscriptionOptions extends ListenerOptions {
  readonly owner: SubscriptionOwner
}

export interface SubscriptionOwner {
  /** The subscription ended by itself, not by `close`. Called once. */
  onEnd(reason: EndReason): void
}

export class Subscription implements Steppable, ListenerOwner {
  readonly #listener: Listener
  readonly #owner: SubscriptionOwner
  /** Asked for and not carried out yet; none on most connections. */
  #changes: ChannelChange[] | null = null
  #isQueued = false
  #isStepping = false

  constructor(delivery: DeliveryParts, options: SubscriptionOptions) {
    this.#owner = options.owner
    this.#listener = new Listener(delivery, options, this)
  }

  /** The channels that it will have when all changes asked for are carried out. */
  get channels(): ReadonlySet<string> {
    return namesAfter(this.#listener.selection.channels, this.#changes ?? [])
  }

  /** What it would be subscribed to if this were its only channel. */
  alone(channel: SubscribedChannel): Selection {
    return alone(this.#listener, channel)
  }

  get isBehind(): boolean {
    return this.#listener.state.phase === 'behind'
  }

  /**
   * Sends `hello` and what `start` asks for, and begins to catch up. Rejects before the first byte if a snapshot cannot
   * be rendered.
   */
  async open(start: Start, greeting: Greeting): Promise<void> {
    const listener = this.#listener
    const { framing } = listener
    if (start.kind === 'resume') {
      const id = listener.cursor(start.seq)
      listener.writeFrames([helloFrame(framing, greeting, { id, resumed: true, marked: true })])
      listener.opened(start.seq, 'all')
    } else {
      const opening = await listener.delivery.snapshots.opening(listener.selection, listener.withOpeningFrames)
      if (listener.state === ENDED) return
      const id = listener.cursor(opening.seq)
      // If snapshots follow, a client must not resume from hello: cut here, it must get them.
      const hello = helloFrame(framing, greeting, { id, resumed: false, marked: opening.snapshots.length === 0 })
      const gap = start.kind === 'gap' ? [lossFrame(listener, start, id)] : []
      listener.writeFrames([hello, ...gap, ...openingFrames(framing, opening, id)])
      listener.opened(opening.seq, [])
    }
    await this.step()
  }

  /** Asks for a change of channels. It takes effect after those before it, when there is room. */
  change(change: ChannelChange): void {
    const { state } = this.#listener
    if (state === ENDED) return
    this.#changes ??= []
    this.#changes.push(change)
    if (state === CAUGHT_UP) this.requestStep()
  }

  /** Sends the sequence number reached. A connection with bytes pending needs no sign of life. */
  heartbeat(packetFor: (framing: Framing, reached: number) => Packet): void {
    const listener = this.#listener
    const { state, sink } = listener
    if (sink.pendingBytes > 0) return
    if (state === CAUGHT_UP) {
      if (!listener.releaseHeldLines()) return
      // A channel that is being replayed has not been sent up to there.
    } else if (state.phase !== 'behind' || state.channelReplay) return
    sink.write(packetFor(listener.framing, listener.reached))
  }

  /** Sends a control frame. It has no id to resume from: a listener that is behind has not been sent everything. */
  sendControl(event: ControlEvent, data: string, retryMs?: number): void {
    const listener = this.#listener
    const { framing } = listener
    if (this.#isDeferred(() => this.sendControl(event, data, retryMs))) return
    if (listener.state === CAUGHT_UP) listener.releaseHeldLines()
    if (listener.state === ENDED) return
    listener.writeFrames([framing.control(event, data, listener.cursor(listener.reached), false, retryMs)])
  }

  /** Ends the stream from outside; lines that are held back leave first. Must not be called during a flush. */
  finish(reason: EndReason = 'done'): void {
    if (this.#isDeferred(() => this.finish(reason))) return
    if (this.#listener.state === CAUGHT_UP) this.#listener.releaseHeldLines()
    this.end(reason)
  }

  /** Ends the stream as its transport does, at once. */
  end(reason: EndReason): void {
    this.#listener.end(reason)
  }

  /** Forgets the listener, whose connection was closed. Safe to call twice. */
  close(): void {
    this.#listener.close()
    this.#changes = null
  }

  /** [ListenerOwner] */
  onEnd(reason: EndReason): void {
    this.#changes = null
    this.#owner.onEnd(reason)
  }

  /** [ListenerOwner] */
  requestStep(): void {
    // A step that is under way asks again when it is done.
    if (this.#isQueued || this.#isStepping) return
    this.#isQueued = true
    this.#listener.delivery.catchUp.add(this)
  }

  /** [Steppable] Does one piece of work. Never two at a time: a step that waits for a query must find its state as it was. */
  async step(): Promise<void> {
    this.#isQueued = false
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      const { state } = this.#listener
      if (state === CAUGHT_UP) await this.#stepCaughtUp()
      else if (state.phase === 'behind' && !state.isWaiting) await this.#stepBehind(state)
    } finally {
      this.#isStepping = false
    }
    if (this.#hasWork()) this.requestStep()
  }

  #hasWork(): boolean {
    const { state } = this.#listener
    return state === CAUGHT_UP ? this.#changes !== null : state.phase === 'behind' && !state.isWaiting
  }

  async #stepCaughtUp(): Promise<void> {
    const change = this.#changes?.[0]
    if (!change) return
    if (this.#listener.sink.pendingBytes > 0) this.#listener.fallBehindUntilDrained()
    else await applyWhileCaughtUp(this.#listener, change, (done) => this.#done(done))
  }

  /** What a listener does while it is behind, the most urgent first. */
  async #stepBehind(state: Behind): Promise<void> {
    const listener = this.#listener
    const { head } = listener.delivery.bus
    const change = this.#changes?.[0]
    if (listener.sink.pendingBytes > 0) listener.waitForRoom(state)
    // Before anything else is read with the old rights.
    else if (change?.kind === 'renew') await applyWhileBehind(listener, state, change, (done) => this.#done(done))
    else if (state.channelReplay) await readChannelReplay(listener, state, state.channelReplay)
    else if (state.checkpoint) await this.#stepToCheckpoint(state, state.checkpoint)
    else if (state.seq < head && !state.hasReadToEnd && !state.backlog) {
      // Snapshots that these events gave rise to were broadcast to others.
      state.missedSnapshots = 'all'
      await readPage(listener, state)
    } else if (change) await applyWhileBehind(listener, state, change, (done) => this.#done(done))
    else if (state.backlog) await this.#stepToBacklog(state)
    else if (state.seq === head && !hasMissedSnapshots(state)) listener.finishCatchingUp(state)
    else {
      // From here on nothing more is missed, however long the rest takes.
      if (state.seq < head) state.missedSnapshots = 'all'
      listener.startBacklog(state)
      await this.#stepToBacklog(state)
    }
  }

  async #stepToCheckpoint(state: Behind, checkpoint: NonNullable<Behind['checkpoint']>): Promise<void> {
    if (state.seq < checkpoint.seq) {
      if (!state.backlog) state.missedSnapshots = 'all'
      await readPage(this.#listener, state, checkpoint.seq)
    }
    if (this.#listener.state !== state || state.checkpoint !== checkpoint || state.seq < checkpoint.seq) return
    state.checkpoint = null
    checkpoint.run()
  }

  /** The last steps: the snapshots that were missed, the events before the backlog, and then the backlog itself. */
  async #stepToBacklog(state: Behind): Promise<void> {
    const listener = this.#listener
    if (hasMissedSnapshots(state)) {
      await renderMissedSnapshots(listener, state)
      return
    }
    const boundary = listener.backlogBoundary(state)
    if (!state.backlog) return
    if (state.seq === boundary) listener.finishCatchingUp(state)
    else {
      await readPage(listener, state, boundary)
      // Too much for one page: by the time it is read, the backlog is long.
      if (listener.state === state && state.backlog && state.seq < boundary) listener.dropBacklog(state)
    }
  }

  #done(change: ChannelChange): void {
    this.#changes?.shift()
    if (this.#changes?.length === 0) this.#changes = null
    change.done()
  }

  /** While the stream opens: true, and the call is made once it has opened. */
  #isDeferred(call: () => void): boolean {
    const { state } = this.#listener
    if (state.phase !== 'opening') return false
    state.deferred.push(call)
    return true
  }
}
