/** A channel socket in the simulation: it joins and leaves channels as real ones do, and keeps all messages. */
import { parseCursor } from '../../shared/src/cursor.ts'
import { CONTROL } from '../../shared/src/protocol.ts'
import { EVERY_TYPE } from '../../shared/src/type-filter.ts'
import { ANYBODY } from '../../src/auth/subject.ts'
import { Selection } from '../../src/sse/delivery/selection.ts'
import { Subscription } from '../../src/sse/delivery/subscription.ts'
import { channelFraming } from '../../src/ws/framings.ts'
import { join, leave } from '../../src/ws/membership.ts'
import { textFrames } from '../../src/ws/text-frames.ts'
import { HeldSink, type Simulated, type Simulation } from './simulation.ts'
import type { SocketMessage } from './socket.ts'

const GLOBAL = { kind: 'global', id: '', name: 'global', view: 'diff', isImplied: true } as const

export class SimulatedSocket implements Simulated {
  readonly hasGlobal: boolean
  /** The messages of every connection, in order. */
  readonly transcripts: SocketMessage[][] = []
  readonly #simulation: Simulation
  #connection: { readonly sink: HeldSink; readonly subscription: Subscription; busy: Promise<void> } | null = null

  constructor(simulation: Simulation, hasGlobal: boolean) {
    this.#simulation = simulation
    this.hasGlobal = hasGlobal
  }

  get isFlowing(): boolean {
    return this.#connection?.sink.isStalled === false
  }

  get isBehind(): boolean {
    return this.#connection?.subscription.isBehind ?? false
  }

  get pendingBytes(): number {
    return this.#connection?.sink.pendingBytes ?? 0
  }

  /** The server has ended the connection. */
  get isEnded(): boolean {
    return this.#connection?.sink.closed ?? false
  }

  /** The position of the newest id of this connection, or of an earlier one. */
  cursor(back: number): number {
    const ids = this.transcripts.flat().flatMap(({ id }) => (id === undefined ? [] : [id]))
    return parseCursor(ids.at(-1 - (back % Math.max(1, ids.length))) ?? '')?.seq ?? 0
  }

  connect(): void {
    if (this.#connection) return
    const { delivery, weight } = this.#simulation
    const told: SocketMessage[] = []
    this.transcripts.push(told)
    const reader = frameReader((text) => told.push(JSON.parse(text)))
    const sink = new HeldSink(weight, reader)
    const subscription = new Subscription(delivery, {
      selection: new Selection(this.hasGlobal ? [GLOBAL] : [], EVERY_TYPE),
      framing: channelFraming,
      sink,
      withOpeningFrames: false,
      outlivesChannels: true,
      owner: { onEnd: () => undefined },
    })
    this.#connection = { sink, subscription, busy: Promise.resolve() }
    void subscription.open({ kind: 'fresh' }, { connectionId: 'c', heartbeatMs: 15_000, retryMs: 1_500 })
  }

  /** One change at a time, as a socket handles its messages. `since`: a cursor. */
  join(channel: string, since?: string): void {
    this.#change((subscription, say) =>
      join(
        { store: this.#simulation.streamStore, mustExist: async () => undefined },
        { subscription, subject: ANYBODY },
        { channel, since },
        () => say({ type: 'ack', joined: channel, since }),
      ),
    )
  }

  leave(channel: string): void {
    this.#change((subscription, say) => leave(subscription, channel, () => say({ type: 'ack', left: channel })))
  }

  /** Resolves when all requested changes have taken effect; the peer must accept bytes meanwhile. */
  async settled(): Promise<void> {
    await this.#connection?.busy
  }

  cut(): void {
    if (!this.#connection) return
    this.#connection.sink.closed = true
    this.#connection.subscription.close()
    this.#connection = null
  }

  reconnect(): void {
    this.cut()
    this.connect()
  }

  stall(): void {
    if (this.#connection) this.#connection.sink.isStalled = true
  }

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

  #change(work: (subscription: Subscription, say: (message: object) => void) => Promise<void>): void {
    const connection = this.#connection
    if (!connection) return
    const { sink, subscription } = connection
    const say = (message: object) => sink.write({ bytes: textFrames([JSON.stringify(message)]) })
    connection.busy = connection.busy.then(() =>
      this.#connection === connection ? work(subscription, say) : undefined,
    )
  }
}

/** Parses the text frames of a server (RFC 6455, 5.2), however their bytes are split. */
function frameReader(onText: (text: string) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 2) {
      if (rest[0] !== 0x81) throw new Error(`a frame that begins with ${rest[0]}`)
      const short = rest[1] ?? 0
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      if (rest.length < head) return
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
      if (rest.length < head + length) return
      onText(rest.toString('utf8', head, head + length))
      rest = rest.subarray(head + length)
    }
  }
}
