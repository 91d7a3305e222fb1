/**
 * Store, bus and subscriptions, connected as in the server, over simulated connections: a test decides turn by turn what
 * is written, which connection accepts bytes, and how time passes. No socket, no clock.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createParser } from 'eventsource-parser'
import { vi } from 'vitest'
import { parseChannelWithView } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import { CONTROL } from '../../shared/src/protocol.ts'
import { parseTypeFilter } from '../../shared/src/type-filter.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { Problem } from '../../src/base/errors.ts'
import type { LogEvent } from '../../src/db/log-event.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { oneConnection } from '../../src/db/sqlite/one-connection.ts'
import { openSqlite } from '../../src/db/sqlite/sqlite.ts'
import type { Store, Tx } from '../../src/db/store.ts'
import type { Publish } from '../../src/db/tail.ts'
import { boardState } from '../../src/domain/board-state.ts'
import { snapshotSources } from '../../src/server/snapshot-sources.ts'
import { Bus } from '../../src/sse/bus.ts'
import { CatchUp } from '../../src/sse/delivery/catch-up.ts'
import type { Framing, Packet, Sink } from '../../src/sse/delivery/framing.ts'
import { Selection } from '../../src/sse/delivery/selection.ts'
import { Snapshots } from '../../src/sse/delivery/snapshots.ts'
import { Subscription } from '../../src/sse/delivery/subscription.ts'
import { createListeners, type Listeners } from '../../src/sse/listeners.ts'
import { startOf } from '../../src/sse/start.ts'
import { sseFraming } from '../../src/sse/wire/frames.ts'
import type { SeenEvent } from './log-reader.ts'
import { Received } from './received.ts'
import type { Listening } from './sights.ts'
import { withSlowReads } from './slow-reads.ts'
import { storeOn } from './test-store.ts'

/** Catching up takes a few turns per page, and slices of time end early on a busy machine. */
const MOST_TURNS = 2_000
/** More than all queries of a snapshot take. */
const TURNS_OF_SLOW_READ = 60

/** A connection whose peer accepts bytes when the test says so. Each pending byte counts `weight` times. */
export class HeldSink implements Sink {
  isStalled = false
  closed = false
  #waiting: Array<Buffer | (() => void)> = []
  readonly #weight: number
  readonly #deliver: (bytes: Buffer) => void

  constructor(weight: number, deliver: (bytes: Buffer) => void) {
    this.#weight = weight
    this.#deliver = deliver
  }

  get pendingBytes(): number {
    return this.#waiting.reduce((sum, one) => sum + (typeof one === 'function' ? 0 : one.length), 0) * this.#weight
  }

  write({ bytes }: Packet): void {
    this.#waiting.push(bytes)
    if (!this.isStalled) this.take(Infinity)
  }

  onceDrained(callback: () => void): void {
    this.#waiting.push(() => setImmediate(callback))
    if (!this.isStalled) this.take(Infinity)
  }

  end(): void {
    this.closed = true
  }

  /** Lets the peer accept that many pending bytes. */
  take(bytes: number): void {
    for (let left = bytes; this.#waiting.length > 0 && left > 0; ) {
      const next = this.#waiting.shift()
      if (typeof next === 'function') next()
      else if (next) {
        if (next.length > left) this.#waiting.unshift(next.subarray(left))
        if (!this.closed) this.#deliver(next.subarray(0, left))
        left -= next.length
      }
    }
  }
}

/** What the simulation does with each of its listeners. */
export interface Simulated {
  readonly isFlowing: boolean
  readonly isBehind: boolean
  connect(): void
  flow(): void
  beat(): void
}

export class SimulatedListener implements Simulated {
  readonly listening: Listening
  /** A stream for one board, with bare payloads. */
  readonly bare: boolean
  readonly received = new Received()
  /** The connection has had its `hello`. */
  isOpen = false
  readonly #simulation: Simulation
  #connection: { readonly sink: HeldSink; readonly subscription: Subscription } | null = null

  constructor(simulation: Simulation, listening: Listening, bare: boolean) {
    this.#simulation = simulation
    this.listening = listening
    this.bare = bare
  }

  /** Connected, and its peer accepts bytes. */
  get isFlowing(): boolean {
    return this.#connection?.sink.isStalled === false
  }

  get isBehind(): boolean {
    return this.#connection?.subscription.isBehind ?? false
  }

  get pendingBytes(): number {
    return this.#connection?.sink.pendingBytes ?? 0
  }

  /** Opens a connection, where the last one ended. */
  connect(): void {
    if (this.#connection) return
    this.received.connect()
    this.isOpen = false
    const parser = createParser({
      onEvent: ({ event = 'message', id, data }) => {
        this.isOpen = true
        this.received.take({ event, id, text: data })
      },
    })
    const decoder = new TextDecoder()
    const sink = new HeldSink(this.#simulation.weight, (bytes) => parser.feed(decoder.decode(bytes, { stream: true })))
    const { delivery, streamStore } = this.#simulation
    const subscription = new Subscription(delivery, {
      selection: selectionOf(this.listening),
      framing: framingOf(this.bare),
      sink,
      withOpeningFrames: this.bare,
      owner: { onEnd: () => undefined },
    })
    this.#connection = { sink, subscription }
    const asking = { header: () => this.received.lastEventId, query: () => undefined }
    const greeting = { connectionId: 'c', heartbeatMs: 15_000, retryMs: 1_500 }
    void startOf(streamStore, selectionOf(this.listening), asking).then((start) => {
      if (this.#connection?.subscription === subscription) void subscription.open(start, greeting)
    })
  }

  reconnect(): void {
    this.cut()
    this.connect()
  }

  cut(): void {
    if (!this.#connection) return
    this.#connection.sink.closed = true
    this.#connection.subscription.close()
    this.#connection = null
  }

  stall(): void {
    if (this.#connection) this.#connection.sink.isStalled = true
  }

  /** Accepts some of the pending bytes, and stalls again. */
  sip(bytes: number): void {
    this.#connection?.sink.take(bytes)
  }

  flow(): void {
    if (!this.#connection) return
    this.#connection.sink.isStalled = false
    this.#connection.sink.take(Infinity)
  }

  beat(): void {
    this.#connection?.subscription.heartbeat((framing, reached) =>
      framing.pack([framing.control(CONTROL.heartbeat, '{"ts":""}', this.#simulation.cursor(reached), true)]),
    )
  }
}

export class Simulation implements AsyncDisposable {
  readonly weight: number
  readonly store: Store
  /** What streams read from: the same, or slower. */
  readonly streamStore: Store
  readonly delivery
  /** Every committed event, in the order of publication. */
  readonly published: SeenEvent[] = []
  readonly errors: unknown[] = []
  readonly #snapshots: Snapshots
  readonly #listeners: Listeners
  readonly #close: () => void
  readonly #turnsOfRead: number

  /**
   * `weight`: what a pending byte counts, so that few bytes fill the buffer of a connection. `turnsOfQuery`: what streams
   * read, snapshots and the log, is read by queries that each take so many turns; without it, they answer at once.
   */
  static async start(weight = 1, turnsOfQuery?: () => number): Promise<Simulation> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-simulation-'))
    const path = join(folder, 'test.db')
    const database = openSqlite(path, 'process')
    await migrate(oneConnection(database))
    const made: { simulation?: Simulation } = {}
    const store = await storeOn(database, (...published) => made.simulation?.onPublish(...published))
    const slow = turnsOfQuery && withSlowReads(store, path, turnsOfQuery)
    const streamStore: Store = slow ? Object.create(store, { read: { value: slow.read.bind(slow) } }) : store
    made.simulation = new Simulation(weight, store, streamStore, () => {
      database.close()
      rmSync(folder, { recursive: true })
    })
    return made.simulation
  }

  private constructor(weight: number, store: Store, streamStore: Store, close: () => void) {
    this.weight = weight
    const onError = (error: unknown) => this.errors.push(error)
    this.#close = close
    this.store = store
    this.streamStore = streamStore
    this.#turnsOfRead = streamStore === store ? 0 : TURNS_OF_SLOW_READ
    const bus = new Bus(store.head, (seq) => this.cursor(seq), onError)
    this.#snapshots = new Snapshots(streamStore, bus, snapshotSources, onError)
    this.delivery = { bus, snapshots: this.#snapshots, catchUp: new CatchUp(streamStore, onError) }
    this.#listeners = createListeners(bus, this.#snapshots, onError)
  }

  onPublish(...[events, , head]: Parameters<Publish>): void {
    this.published.push(...events.map((event) => this.#seen(event)))
    this.#listeners.advance(events, [], head)
  }

  cursor(seq: number): string {
    return formatCursor(this.store.epoch, seq)
  }

  listener(listening: Listening, bare: boolean): SimulatedListener {
    return new SimulatedListener(this, listening, bare)
  }

  /** Runs a mutation with this turn's others; it may be refused. */
  mutate(work: (tx: Tx) => Promise<unknown>): void {
    this.store.transact(work).catch((error) => {
      if (!(error instanceof Problem)) this.errors.push(error)
    })
  }

  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
  }

  /** Lets that much time pass for timers. */
  async pass(ms: number): Promise<void> {
    vi.advanceTimersByTime(ms)
    await this.turns(1)
  }

  /** Resolves when nothing is left to do for the listeners that are connected and accept bytes. */
  async quiesce(listeners: readonly Simulated[]): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await this.turns(3 + this.#turnsOfRead)
      for (let turns = 0; listeners.some(({ isBehind, isFlowing }) => isBehind && isFlowing); turns++) {
        if (turns > MOST_TURNS) throw new Error('a listener that accepts bytes stays behind')
        await this.turns(1)
      }
      await this.pass(1_000)
      await this.turns(this.#turnsOfRead)
    }
  }

  /** All listeners connect, accept bytes, and receive the id reached at the end. */
  async settle(listeners: readonly Simulated[]): Promise<void> {
    for (const listener of listeners) {
      listener.connect()
      listener.flow()
    }
    await this.quiesce(listeners)
    for (const listener of listeners) listener.beat()
  }

  async stateOf(boardId: string): Promise<BoardState | null> {
    return this.store.read(({ sql }) => boardState(sql, boardId))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#snapshots.stop()
    await this.turns(2)
    this.#close()
    vi.useRealTimers()
  }

  #seen({ seq, type, data }: LogEvent): SeenEvent {
    return { seq, id: this.cursor(seq), type, data: JSON.parse(data) }
  }
}

function selectionOf({ channels, view = 'diff', types }: Listening): Selection {
  const heard = channels.map((name) => {
    const channel = parseChannelWithView(name)
    if (!channel) throw new Error(`${name} is not a channel`)
    return { ...channel, view }
  })
  return new Selection(heard, parseTypeFilter(types?.join(',')))
}

function framingOf(bare: boolean): Framing {
  return sseFraming({ chunked: false, gzip: false, envelope: !bare })
}
