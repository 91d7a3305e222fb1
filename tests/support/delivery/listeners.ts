/**
 * Listeners that follow the documentation for clients, and keep everything: what each connection showed after its channel
 * was acknowledged, and the cursor that it reconnected with.
 */
import { EventSource } from 'eventsource'
import { WebSocket } from 'ws'
import { parseCursor } from '../../../shared/src/cursor.ts'
import { inOrder } from '../../../web/client/base/channel-order.ts'
import type { Frame } from '../../../web/client/base/types.ts'
import { createClient, type Hub, type TransportName } from '../../../web/client/index.ts'
import type { Random } from '../random.ts'
import { ChannelPeer, type Heard, type PeerKind } from '../transports.ts'
import type { Road } from './road.ts'

/** What arrived after `since`, in order. */
export interface Stretch {
  readonly since: string
  readonly heard: readonly Heard[]
}

export interface Listener {
  readonly name: string
  readonly channels: readonly string[]
  /** Everything up to here has been received. */
  readonly reached: string
  readonly road: Road
  /** Faults other than losses: gaps, errors. */
  readonly faults: readonly string[]
  /** The number of reconnections. */
  readonly returns: number
  stretches(): readonly Stretch[]
  close(): void
}

export interface Situation {
  readonly random: Random
  /** Resolves when the server is up; at once while it is. */
  up(): Promise<void>
}

/** One channel over one transport, with the cursor of W42 and W43. */
export class TransportListener implements Listener {
  readonly name: string
  readonly channels: readonly string[]
  readonly road: Road
  readonly faults: string[] = []
  returns = 0
  reached: string
  readonly #kind: PeerKind
  readonly #situation: Situation
  readonly #stretches: Stretch[] = []
  #since: string
  #peer: ChannelPeer | null = null
  #isClosed = false

  constructor(kind: PeerKind, channel: string, since: string, road: Road, situation: Situation) {
    this.#kind = kind
    this.name = `${kind} ${channel}`
    this.channels = [channel]
    this.road = road
    this.reached = since
    this.#since = since
    this.#situation = situation
    void this.#run()
  }

  stretches(): readonly Stretch[] {
    return [...this.#stretches, ...(this.#peer ? [this.#stretchOf(this.#peer)] : [])]
  }

  close(): void {
    this.#isClosed = true
    this.#peer?.cut()
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      await this.#situation.up()
      const peer = this.#connect()
      this.#peer = peer
      await peer.until(() => this.#look(peer), Number.MAX_SAFE_INTEGER % 2 ** 31)
      peer.cut()
      this.#stretches.push(this.#stretchOf(peer))
      this.#peer = null
      this.returns += 1
    }
  }

  /** Sometimes requests events that it already has, like a client that has lost its newest cursor. */
  #connect(): ChannelPeer {
    const { random } = this.#situation
    const earlier = random.chance(0.25) ? random.pick(this.#stretches)?.since : undefined
    this.#since = earlier ?? this.reached
    const joinWhen = random.chance(0.7) ? pause(random.below(150)) : undefined
    return new ChannelPeer(this.#kind, this.road.url, this.channels, this.#since, joinWhen)
  }

  #look(peer: ChannelPeer): boolean {
    if (isBefore(this.reached, peer.lastId)) this.reached = peer.lastId ?? this.reached
    if (peer.heard.at(-1)?.event === 'gap') this.faults.push(`gap ${JSON.stringify(peer.heard.at(-1)?.data)}`)
    return peer.isClosed
  }

  #stretchOf({ heardSinceJoined }: ChannelPeer): Stretch {
    const isImplied = this.#kind === 'ws global' && !this.channels.includes('global')
    // A `global` that the socket joined by itself is another channel. It ranks before `*` where both have one name (K6).
    const heard = heardSinceJoined
      .map((one) => (isImplied && isToEveryone(one) ? { ...one, channel: '*' } : one))
      .filter(({ channel }) => this.channels.includes(channel) || channel === '*')
    return { since: this.#since, heard }
  }
}

/** A hub of the client library that reconnects soon, and never gives up. */
export function hubOver(road: Road, transport: TransportName): Hub {
  return createClient({
    baseUrl: road.url,
    transport,
    share: 'none',
    EventSource,
    WebSocket,
    backoff: { firstMs: 20, maxMs: 200, failures: 1_000_000 },
    heartbeatTimeoutMs: 5_000,
  })
}

/** Some channels through the client library, which reconnects by itself. */
export class LibraryListener implements Listener {
  readonly name: string
  readonly channels: readonly string[]
  readonly road: Road
  readonly faults: string[] = []
  readonly #hub: Hub
  readonly #heard: Heard[] = []
  readonly #since: string
  #returns = 0

  constructor(transport: TransportName, channels: readonly string[], since: string, road: Road) {
    this.name = `library over ${transport} ${channels}`
    // What several of them carry under one name comes on the first of them, and the library names them in its own order.
    this.channels = inOrder(channels)
    this.road = road
    this.#since = since
    this.#hub = hubOver(road, transport)
    this.#hub.status.subscribe(() => {
      if (this.#hub.status.get().phase === 'reconnecting') this.#returns += 1
    })
    this.#hub.subscribe(
      { channels, since },
      {
        event: (frame: Frame) => this.#heard.push(frame as Heard),
        gap: (gap) => this.faults.push(`gap ${JSON.stringify(gap)}`),
        error: (error) => this.faults.push(String(error)),
      },
    )
  }

  get returns(): number {
    return this.#returns
  }

  get reached(): string {
    const { lastEventId } = this.#hub.status.get()
    return lastEventId ?? this.#since
  }

  stretches(): readonly Stretch[] {
    return [{ since: this.#since, heard: this.#heard }]
  }

  close(): void {
    this.#hub.close()
  }
}

/** Resolves when all of them have received everything up to the cursor. `named`: for the message of a failure. */
export async function allReach(listeners: readonly Listener[], cursor: string, named: string): Promise<void> {
  for (const deadline = performance.now() + 60_000; ; ) {
    const late = listeners.filter(({ reached }) => isBefore(reached, cursor))
    if (late.length === 0) return
    if (performance.now() > deadline) {
      throw new Error(`${named}: ${late.map(({ name, reached }) => `${name} is at ${reached}`)}, not ${cursor}`)
    }
    await pause(50)
  }
}

function isToEveryone({ channel, event, data }: Heard): boolean {
  return channel === 'global' && event === 'message.new' && data.to_agent === null && data.topic === null
}

export function isBefore(id: string | undefined, other: string | undefined): boolean {
  return seqOf(id) < seqOf(other)
}

function seqOf(id: string | undefined): number {
  return parseCursor(id ?? '')?.seq ?? -1
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
