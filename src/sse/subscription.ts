/**
 * One listener: a cursor, not a queue.
 *
 *               open                  nothing left
 *   opening  ----------->  behind  ------------------>  live
 *                            ^                            |
 *                            |   no room for a segment    |
 *                            +----------------------------+          any of them  ->  ended
 *
 * A live one takes what its audience makes. One that is behind ignores that: when its socket has drained it reads its
 * next page from the log, and is live again when nothing is left. A connection that comes back with an old cursor starts
 * behind; so does a fresh one, at the position of its snapshot. There is no other replay, no queue to bound, and no
 * merge of old and new.
 */
import type { ControlEvent, GapReason } from '../../shared/src/protocol.ts'
import { type Member, type Segment, segment } from './audience.ts'
import type { Bus, Membership } from './bus.ts'
import type { CatchUp } from './catch-up.ts'
import type { Frame } from './frame-list.ts'
import type { Framing, Packet, Sink } from './framing.ts'
import { type Greeting, gapFrame, helloFrame, openingFrames, snapshotFrames } from './opening-frames.ts'
import type { Selection } from './selection.ts'
import type { Snapshots } from './snapshots.ts'

/**
 * How much may wait for one connection beyond the kernel's buffers. More would only delay it: what does not fit is
 * read from the log when there is room.
 */
export const MAX_PENDING_BYTES = 256 * 1024

/** Where a listener begins. */
export type Start =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'resume'; readonly seq: number }
  | { readonly kind: 'gap'; readonly requested: string; readonly reason: GapReason }

export interface SubscriptionOptions {
  readonly selection: Selection
  readonly framing: Framing
  readonly sink: Sink
  /** End after so many events. */
  readonly limit?: number | undefined
  /** Frames that follow a board's snapshot when the stream opens (replayed statuses). */
  readonly withOpeningFrames: boolean
  /** Called once, when the stream has ended by itself; not by `close`. */
  onEnd(): void
}

export interface Hub {
  readonly bus: Bus
  readonly snapshots: Snapshots
  readonly catchUp: CatchUp
}

type State =
  /** Has read the log up to `cursor`; `owed`: snapshots have been missed and are due at the end. */
  | { readonly phase: 'behind'; cursor: number; owed: boolean; waiting: boolean }
  | { readonly phase: 'live' }
  | { readonly phase: 'opening' | 'ended' }

/** One for all, so that the thousand that are asked at once share it. */
const LIVE: State = { phase: 'live' }

export class Subscription implements Member {
  // Ten thousand of these may be open: what they share (selection, framing) they hold through their audience.
  readonly #hub: Hub
  readonly #sink: Sink
  readonly #withOpeningFrames: boolean
  readonly #onEnd: () => void
  #membership: Membership
  #state: State = { phase: 'opening' }
  #left: number

  constructor(hub: Hub, { selection, framing, sink, limit, withOpeningFrames, onEnd }: SubscriptionOptions) {
    this.#hub = hub
    this.#sink = sink
    this.#withOpeningFrames = withOpeningFrames
    this.#onEnd = onEnd
    this.#membership = hub.bus.subscribe(selection, framing)
    this.#left = limit ?? Infinity
  }

  get isBehind(): boolean {
    return this.#state.phase === 'behind'
  }

  get #selection(): Selection {
    return this.#membership.audience.selection
  }

  get #framing(): Framing {
    return this.#membership.audience.framing
  }

  /** Says hello, sends what the start asks for and goes live. Rejects before the first byte when a snapshot cannot be had. */
  async open(start: Start, greeting: Greeting): Promise<void> {
    const framing = this.#framing
    if (start.kind === 'resume') {
      const id = this.#hub.bus.cursor(start.seq)
      this.#sink.write(framing.pack([helloFrame(framing, greeting, { id, resumed: true, marked: true })]))
      this.#state = { phase: 'behind', cursor: start.seq, owed: true, waiting: false }
    } else {
      const opening = await this.#hub.snapshots.opening(this.#selection, this.#withOpeningFrames)
      if (this.#state.phase === 'ended') return
      const id = this.#hub.bus.cursor(opening.position)
      // With snapshots to follow, hello is no place to come back to: a client cut here must get them.
      const texts = [helloFrame(framing, greeting, { id, resumed: false, marked: opening.snapshots.length === 0 })]
      if (start.kind === 'gap') texts.push(this.#gap(start.requested, start.reason, id))
      this.#sink.write(framing.pack([...texts, ...openingFrames(framing, opening, id)]))
      this.#state = { phase: 'behind', cursor: opening.position, owed: false, waiting: false }
    }
    await this.step()
  }

  /** [Member] Takes a segment of what is happening, or falls behind before it. */
  offer(offered: Segment): void {
    if (this.#state !== LIVE) return
    const sink = this.#sink
    const { length } = offered.packet.bytes
    if (sink.pendingBytes > 0 && sink.pendingBytes + length > MAX_PENDING_BYTES) {
      this.#membership.audience.leave(this)
      const state = { phase: 'behind' as const, cursor: offered.first - 1, owed: true, waiting: false }
      this.#state = state
      this.#wait(state)
      return
    }
    this.#write(offered)
  }

  /** Does one piece of catching up: a page of the log, the snapshots that are due, or going live. */
  async step(): Promise<void> {
    const state = this.#state
    if (state.phase !== 'behind' || state.waiting) return
    if (this.#sink.pendingBytes > 0) {
      this.#wait(state)
      return
    }
    if (state.cursor < this.#hub.bus.head) {
      // The snapshots that these events gave rise to went to those who were live.
      state.owed = true
      await this.#readPage(state)
    } else if (state.owed) {
      await this.#paySnapshots(state)
    } else {
      this.#state = LIVE
      this.#membership.audience.join(this)
      return
    }
    if (this.#state === state) this.#hub.catchUp.add(this)
  }

  /** Tells a live or idle listener the id reached. One that has bytes pending needs no sign of life. */
  heartbeat(packetFor: (framing: Framing, reached: number) => Packet): void {
    const state = this.#state
    if (this.#sink.pendingBytes > 0) return
    if (state.phase === 'live') {
      this.#membership.audience.release()
      if (this.#state !== state) return
    } else if (state.phase !== 'behind') return
    const reached = state.phase === 'behind' ? state.cursor : this.#hub.bus.head
    this.#sink.write(packetFor(this.#framing, reached))
  }

  /** Sends a word about the stream itself. It carries no id: one that is behind has not had everything up to here. */
  announce(event: ControlEvent, data: string, retryMs?: number): void {
    if (this.#state.phase === 'ended') return
    const framing = this.#framing
    const sink = this.#sink
    sink.write(framing.pack([framing.control(event, data, this.#hub.bus.cursor(this.#reached), false, retryMs)]))
  }

  /** Ends the stream from outside: lines that wait to be joined leave first. Not to be called while frames are handed out. */
  finish(): void {
    if (this.#state === LIVE) this.#membership.audience.release()
    this.end()
  }

  /** Ends the stream as its transport does, and forgets the listener. */
  end(): void {
    if (this.#state.phase === 'ended') return
    this.close()
    this.#sink.end()
    this.#onEnd()
  }

  /** Forgets the listener, whose connection is gone. */
  close(): void {
    if (this.#state.phase === 'ended') return
    this.#state = { phase: 'ended' }
    this.#membership.audience.leave(this)
    this.#membership.leave()
  }

  #wait(state: Extract<State, { phase: 'behind' }>): void {
    state.waiting = true
    this.#sink.onceDrained(() => {
      if (this.#state !== state) return
      state.waiting = false
      this.#hub.catchUp.add(this)
    })
  }

  get #reached(): number {
    return this.#state.phase === 'behind' ? this.#state.cursor : this.#hub.bus.head
  }

  async #readPage(state: Extract<State, { phase: 'behind' }>): Promise<void> {
    const { audience } = this.#membership
    const page = await this.#hub.catchUp.page(audience, state.cursor)
    if (this.#state !== state) return
    if (page === 'trimmed') {
      await this.#startAfresh(state)
      return
    }
    for (const read of page.segments) {
      this.#write(read)
      if (this.#state !== state) return
      state.cursor = read.last
      // A channel ended: the rest of the page was made for one that still heard it.
      if (this.#membership.audience !== audience) return
      // What is left of the page is read again: cheaper than keeping it, for this connection is slow.
      if (this.#sink.pendingBytes > 0 && read !== page.segments.at(-1)) return
    }
    state.cursor = page.reached
  }

  async #paySnapshots(state: Extract<State, { phase: 'behind' }>): Promise<void> {
    const due = await this.#hub.snapshots.due(this.#selection)
    // Committed meanwhile: those events come first.
    if (this.#state !== state || due.position !== state.cursor) return
    state.owed = false
    if (due.snapshots.length === 0) return
    const framing = this.#framing
    this.#sink.write(framing.pack(snapshotFrames(framing, due.snapshots, this.#hub.bus.cursor(due.position))))
  }

  /** The log no longer holds this listener's place: it is told so, and goes on from fresh state. */
  async #startAfresh(state: Extract<State, { phase: 'behind' }>): Promise<void> {
    const requested = this.#hub.bus.cursor(state.cursor)
    const opening = await this.#hub.snapshots.opening(this.#selection, this.#withOpeningFrames)
    if (this.#state !== state) return
    const framing = this.#framing
    const id = this.#hub.bus.cursor(opening.position)
    this.#sink.write(framing.pack([this.#gap(requested, 'slow', id), ...openingFrames(framing, opening, id)]))
    state.cursor = opening.position
    state.owed = false
  }

  #gap(requested: string, reason: GapReason, id: string): string {
    const oldest = this.#hub.bus.cursor(this.#hub.catchUp.oldest)
    return gapFrame(this.#framing, { requested, oldest, reason }, id)
  }

  #write(made: Segment): void {
    const whole = this.#left === Infinity || made.frames.length <= this.#left ? made : this.#cut(made)
    this.#sink.write(whole.packet)
    if (this.#left !== Infinity) for (const frame of whole.frames) this.#spend(frame.counts)
    if (made.ends.length > 0 && this.#state.phase !== 'ended') this.#forget(made.ends, made.last)
  }

  #cut(made: Segment): Segment {
    const frames: Frame[] = []
    let counted = 0
    for (const frame of made.frames) {
      counted += frame.counts
      if (counted > this.#left) break
      frames.push(frame)
    }
    return segment(frames, this.#framing)
  }

  #spend(events: number): void {
    if (this.#left === Infinity) return
    this.#left -= events
    if (this.#left <= 0) this.end()
  }

  /** Goes on without channels that are over; ends when none is left. */
  #forget(channels: readonly string[], seq: number): void {
    const rest = this.#selection.without(channels)
    if (rest.channels.length === this.#selection.channels.length) return
    if (rest.channels.length === 0) {
      this.end()
      return
    }
    const wasLive = this.#state.phase === 'live'
    this.#membership.audience.leave(this)
    const framing = this.#framing
    this.#membership.leave()
    this.#membership = this.#hub.bus.subscribe(rest, framing)
    if (!wasLive) return
    // The rest of this turn's events reach it through the log; snapshots of this turn it has missed.
    this.#state = { phase: 'behind', cursor: seq, owed: true, waiting: false }
    this.#hub.catchUp.add(this)
  }
}
