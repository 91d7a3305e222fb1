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
import type { ControlEvent } from '../../../shared/src/protocol.ts'
import type { Member, Segment } from './audience.ts'
import type { Audiences, Membership } from './audiences.ts'
import type { CatchUp } from './catch-up.ts'
import { type ChannelChange, namesAfter, type Replay, type Start } from './channel-change.ts'
import type { EndReason, Framing, Packet, Sink } from './framing.ts'
import { Meter, UNLIMITED } from './meter.ts'
import { type Greeting, gapFrame, helloFrame, openingFrames, snapshotFrames } from './opening-frames.ts'
import { type Heard, Selection } from './selection.ts'
import type { Opening, Snapshots } from './snapshots.ts'

/**
 * How much may wait for one connection beyond the kernel's buffers. More would only delay it: what does not fit is
 * read from the log when there is room.
 */
export const MAX_PENDING_BYTES = 256 * 1024

export interface SubscriptionOptions {
  readonly selection: Selection
  readonly framing: Framing
  readonly sink: Sink
  /** End after so many events. */
  readonly limit?: number | undefined
  /** Frames that follow a board's snapshot when the stream opens (replayed statuses). */
  readonly withOpeningFrames: boolean
  /** Goes on when the last of its channels is over: others may be joined. */
  readonly outlivesChannels?: boolean
  readonly owner: SubscriptionOwner
}

/** Whom a subscription tells. */
export interface SubscriptionOwner {
  /** It has ended by itself, not by `close`. Called once. */
  onEnd(reason: EndReason): void
}

export interface Hub {
  readonly bus: Audiences
  readonly snapshots: Snapshots
  readonly catchUp: CatchUp
}

type State =
  /** Has read the log up to `cursor`; `owed`: the channels whose snapshots are due at the end. */
  | { readonly phase: 'behind'; cursor: number; owed: Owed; waiting: boolean; replay?: Replay | undefined }
  | { readonly phase: 'live' }
  /** `afterwards`: what was asked for meanwhile, in order. `hello` comes first, whatever happens. */
  | { readonly phase: 'opening'; readonly afterwards: Array<() => void> }
  | { readonly phase: 'ended' }

/** Who missed what went to the live ones is owed all; who joined a channel with its past, that one. */
type Owed = 'all' | readonly Heard[]

type Behind = Extract<State, { phase: 'behind' }>

/** What a gap says. */
type Lost = Omit<Extract<Start, { kind: 'gap' }>, 'kind'>

/** One for all, so that the thousand that are asked at once share it. */
const LIVE: State = { phase: 'live' }

export class Subscription implements Member {
  // Ten thousand of these may be open: what they share (selection, framing) they hold through their audience.
  readonly #hub: Hub
  readonly #sink: Sink
  readonly #withOpeningFrames: boolean
  readonly #outlivesChannels: boolean
  readonly #owner: SubscriptionOwner
  #membership: Membership
  #state: State = { phase: 'opening', afterwards: [] }
  readonly #meter: Meter
  /** Asked for and not carried out; none on most connections. */
  #changes: ChannelChange[] | null = null
  /**
   * Every event to everyone after this position has been sent. Infinity until the client holds a channel that it named:
   * it counts from that channel's acknowledgement on, so what was sent to everyone before is sent again after it.
   */
  #everyoneFrom = Infinity

  constructor(hub: Hub, { selection, framing, sink, limit, ...options }: SubscriptionOptions) {
    this.#hub = hub
    this.#sink = sink
    this.#withOpeningFrames = options.withOpeningFrames
    this.#outlivesChannels = options.outlivesChannels ?? false
    this.#owner = options.owner
    this.#membership = hub.bus.subscribe(selection, framing)
    this.#meter = limit === undefined ? UNLIMITED : new Meter(limit)
  }

  /** What it will listen to when all that was asked for is done. */
  get channels(): ReadonlySet<string> {
    return namesAfter(this.#selection.channels, this.#changes ?? [])
  }

  /** What it would listen to if it listened to this channel alone. */
  alone(channel: Heard): Selection {
    return new Selection([channel], this.#selection.types, this.#everyoneFrom)
  }

  /** Asks for a change, which is carried out after those before it, when there is room and nothing left to read. */
  change(change: ChannelChange): void {
    if (this.#state.phase === 'ended') return
    this.#changes ??= []
    this.#changes.push(change)
    if (this.#state === LIVE) this.#hub.catchUp.add(this)
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
      this.#opened({ phase: 'behind', cursor: start.seq, owed: 'all', waiting: false })
    } else {
      const opening = await this.#hub.snapshots.opening(this.#selection, this.#withOpeningFrames)
      if (this.#state.phase === 'ended') return
      const id = this.#hub.bus.cursor(opening.position)
      // With snapshots to follow, hello is no place to come back to: a client cut here must get them.
      const texts = [helloFrame(framing, greeting, { id, resumed: false, marked: opening.snapshots.length === 0 })]
      if (start.kind === 'gap') texts.push(this.#gap(start, id))
      this.#sink.write(framing.pack([...texts, ...openingFrames(framing, opening, id)]))
      this.#opened({ phase: 'behind', cursor: opening.position, owed: [], waiting: false })
    }
    await this.step()
  }

  #opened(state: Behind): void {
    const afterwards = this.#state.phase === 'opening' ? this.#state.afterwards : []
    this.#state = state
    if (this.#selection.isNamed) this.#everyoneFrom = state.cursor
    for (const one of afterwards) one()
  }

  /** [Member] Takes a segment of what is happening, or falls behind before it. */
  offer(offered: Segment): void {
    if (this.#state !== LIVE) return
    const sink = this.#sink
    const { length } = offered.packet.bytes
    if (sink.pendingBytes > 0 && sink.pendingBytes + length > MAX_PENDING_BYTES) {
      this.#membership.audience.leave(this)
      const state: Behind = { phase: 'behind', cursor: offered.first - 1, owed: 'all', waiting: false }
      this.#state = state
      this.#wait(state)
      return
    }
    this.#write(offered)
  }

  /** Does one piece of work: a change, a page of the log, the snapshots that are due, or going live. */
  async step(): Promise<void> {
    const state = this.#state
    if (state === LIVE) await this.#stepLive()
    else if (state.phase === 'behind' && !state.waiting) await this.#stepBehind(state)
  }

  async #stepLive(): Promise<void> {
    const change = this.#changes?.[0]
    if (!change) return
    if (this.#sink.pendingBytes > 0) this.#fallBehind('all')
    else await this.#carryOut(change, LIVE)
    if (this.#state === LIVE && this.#changes) this.#hub.catchUp.add(this)
  }

  async #stepBehind(state: Behind): Promise<void> {
    const change = this.#changes?.[0]
    if (this.#sink.pendingBytes > 0) {
      this.#wait(state)
      return
    }
    if (state.replay) await this.#readReplay(state, state.replay)
    else if (state.cursor < this.#hub.bus.head) {
      // The snapshots that these events gave rise to went to those who were live.
      state.owed = 'all'
      await this.#readPage(state)
    } else if (change) await this.#carryOut(change, state)
    else if (state.owed.length > 0) await this.#paySnapshots(state)
    else {
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
      if (!this.#release()) return
      // Of a channel that is being read it has not had everything yet.
    } else if (state.phase !== 'behind' || state.replay) return
    this.#sink.write(packetFor(this.#framing, this.#reached))
  }

  /** Sends a word about the stream itself. It carries no id: one that is behind has not had everything up to here. */
  announce(event: ControlEvent, data: string, retryMs?: number): void {
    if (this.#isOpening(() => this.announce(event, data, retryMs))) return
    if (this.#state === LIVE) this.#release()
    if (this.#state.phase === 'ended') return
    const framing = this.#framing
    const sink = this.#sink
    sink.write(framing.pack([framing.control(event, data, this.#hub.bus.cursor(this.#reached), false, retryMs)]))
  }

  /** Ends the stream from outside: lines that wait to be joined leave first. Not to be called while frames are handed out. */
  finish(reason: EndReason = 'done'): void {
    if (this.#isOpening(() => this.finish(reason))) return
    if (this.#state === LIVE) this.#membership.audience.release()
    this.end(reason)
  }

  /** Ends the stream as its transport does, and forgets the listener. */
  end(reason: EndReason = 'done'): void {
    if (this.#state.phase === 'ended') return
    this.close()
    this.#sink.end(reason)
    this.#owner.onEnd(reason)
  }

  /** Forgets the listener, whose connection is gone. */
  close(): void {
    const state = this.#state
    if (state.phase === 'ended') return
    this.#state = { phase: 'ended' }
    if (state.phase === 'behind') state.replay?.membership.leave()
    this.#membership.audience.leave(this)
    this.#membership.leave()
    this.#changes = null
  }

  /** While it opens: true, and the work is done once it has opened. */
  #isOpening(work: () => void): boolean {
    if (this.#state.phase !== 'opening') return false
    this.#state.afterwards.push(work)
    return true
  }

  /** Lines that wait to be joined leave. False when this ended the stream, or there was no room for them. */
  #release(): boolean {
    this.#membership.audience.release()
    return this.#state === LIVE
  }

  /** Leaves the live ones of its own accord, having had everything there is. */
  #fallBehind(owed: Owed, replay?: Replay): void {
    if (!this.#release()) return
    this.#membership.audience.leave(this)
    this.#state = { phase: 'behind', cursor: this.#hub.bus.head, owed, waiting: false, replay }
    this.#hub.catchUp.add(this)
  }

  #wait(state: Behind): void {
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

  async #readPage(state: Behind): Promise<void> {
    const { audience } = this.#membership
    const page = await this.#hub.catchUp.page(audience, state.cursor)
    if (this.#state !== state) return
    if ('oldest' in page) {
      await this.#startAfresh(state, page.oldest)
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

  async #carryOut(change: ChannelChange, state: State): Promise<void> {
    if (change.kind === 'leave') {
      if (state === LIVE && !this.#release()) return
      this.#done(change)
      this.#listenTo(this.#selection.without([change.name]))
    } else if (change.kind === 'show') {
      const shown = await this.#hub.snapshots.opening(this.#selection, false)
      if (this.#isAt(shown.position, state)) this.#show(change, shown)
    } else await this.#joinChannel(change, state)
  }

  async #joinChannel(change: Extract<ChannelChange, { kind: 'join' }>, state: State): Promise<void> {
    const { channel, start, isSubscribed } = change
    const alone = this.alone(channel)
    if (start.kind === 'resume' && start.seq < this.#hub.bus.head) {
      if (state === LIVE && !this.#release()) return
      this.#done(change)
      const membership = this.#hub.bus.subscribe(alone, this.#framing)
      const replay: Replay = { channel, membership, cursor: start.seq }
      if (isSubscribed) this.#everyoneFrom = Math.min(this.#everyoneFrom, start.seq)
      if (state.phase === 'behind') state.replay = replay
      else this.#fallBehind([], replay)
      return
    }
    const { snapshots } = this.#hub
    const shown = await (start.kind === 'resume' ? snapshots.due(alone) : snapshots.opening(alone, false))
    if (!this.#isAt(shown.position, state)) return
    this.#show(change, shown, start.kind === 'gap' ? start : undefined)
    if (isSubscribed) this.#everyoneFrom = Math.min(this.#everyoneFrom, shown.position)
    this.#listenTo(this.#selection.with(channel))
  }

  /** Still as it was, with everything up to the position. If not, the change is tried again. */
  #isAt(position: number, state: State): boolean {
    if (this.#state !== state || position !== this.#hub.bus.head) return false
    return state.phase === 'behind' ? state.cursor === position : this.#release()
  }

  #show(change: ChannelChange, { position, snapshots }: Omit<Opening, 'frames'>, gap?: Lost): void {
    this.#done(change)
    const framing = this.#framing
    const id = this.#hub.bus.cursor(position)
    const texts = gap ? [this.#gap(gap, id)] : []
    texts.push(...snapshotFrames(framing, snapshots, id))
    if (texts.length > 0) this.#sink.write(framing.pack(texts))
  }

  #done(change: ChannelChange): void {
    this.#changes?.shift()
    if (this.#changes?.length === 0) this.#changes = null
    change.done()
  }

  /** Goes over to the audience that listens so, live if it was, without missing anything in between. */
  #listenTo(selection: Selection): void {
    const { audience } = this.#membership
    const framing = this.#framing
    audience.leave(this)
    this.#membership.leave()
    this.#membership = this.#hub.bus.subscribe(selection, framing)
    if (this.#state === LIVE) this.#membership.audience.join(this)
  }

  /** Reads the past of a channel up to where the others stand, and then joins it. */
  async #readReplay(state: Behind, replay: Replay): Promise<void> {
    const page = await this.#hub.catchUp.page(replay.membership.audience, replay.cursor, state.cursor)
    if (this.#state !== state) return
    if ('oldest' in page) {
      // Its client comes back with the id it has of this channel, and is told of the gap before anything else is.
      this.end('failed')
      return
    }
    for (const read of page.segments) {
      this.#send(read)
      if (this.#state !== state) return
      // A board that was over then is there again: it was asked for when it was joined.
      replay.cursor = read.last
      if (this.#sink.pendingBytes > 0 && read !== page.segments.at(-1)) return
    }
    replay.cursor = page.reached
    if (replay.cursor < state.cursor) return
    replay.membership.leave()
    state.replay = undefined
    if (state.owed !== 'all') state.owed = [...state.owed, replay.channel]
    this.#listenTo(this.#selection.with(replay.channel))
  }

  async #paySnapshots(state: Behind): Promise<void> {
    const { types } = this.#selection
    const due = await this.#hub.snapshots.due(state.owed === 'all' ? this.#selection : new Selection(state.owed, types))
    // Committed meanwhile: those events come first.
    if (this.#state !== state || due.position !== state.cursor) return
    state.owed = []
    if (due.snapshots.length === 0) return
    const framing = this.#framing
    this.#sink.write(framing.pack(snapshotFrames(framing, due.snapshots, this.#hub.bus.cursor(due.position))))
  }

  /** The log no longer holds this listener's place: it is told so, and goes on from fresh state. */
  async #startAfresh(state: Behind, oldest: number): Promise<void> {
    const requested = this.#hub.bus.cursor(state.cursor)
    const opening = await this.#hub.snapshots.opening(this.#selection, this.#withOpeningFrames)
    if (this.#state !== state) return
    const framing = this.#framing
    const id = this.#hub.bus.cursor(opening.position)
    const gap = this.#gap({ requested, reason: 'slow', oldest }, id)
    this.#sink.write(framing.pack([gap, ...openingFrames(framing, opening, id)]))
    // What went to everyone in the stretch that it skipped was not sent: a later `since` in it must find it.
    if (this.#everyoneFrom !== Infinity) this.#everyoneFrom = opening.position
    state.cursor = opening.position
    state.owed = []
  }

  #gap({ requested, reason, oldest }: Lost, id: string): string {
    return gapFrame(this.#framing, { requested, oldest: this.#hub.bus.cursor(oldest), reason }, id)
  }

  #write(made: Segment): void {
    this.#send(made)
    if (made.ends.length > 0 && this.#state.phase !== 'ended') this.#forget(made.ends, made.last)
  }

  #send(made: Segment): void {
    this.#sink.write(this.#meter.pass(made, this.#framing).packet)
    if (this.#meter.isSpent) this.end()
  }

  /** Goes on without channels that are over; ends when none is left. */
  #forget(channels: readonly string[], seq: number): void {
    const rest = this.#selection.without(channels)
    if (rest.channels.length === this.#selection.channels.length) return
    if (rest.channels.length === 0 && !this.#outlivesChannels) {
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
    this.#state = { phase: 'behind', cursor: seq, owed: 'all', waiting: false }
    this.#hub.catchUp.add(this)
  }
}
