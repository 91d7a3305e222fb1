/** Every open stream and socket: what operations count, and what a drain ends. */
import { CONTROL, SPREAD } from '../../../shared/src/protocol.ts'
import type { Subscription } from './subscription.ts'

export interface Connection {
  readonly transport: 'sse' | 'ws' | 'socketio'
  readonly subscription: Subscription
  readonly sink: {
    /** Bytes that were written to it, those that wait included. */
    readonly bytesWritten: number
    readonly pendingBytes: number
    /** Cuts the connection at once. */
    destroy(): void
  }
}

export interface ConnectionCounts {
  readonly total: number
  readonly sse: number
  readonly ws: number
  readonly socketio: number
  readonly behind: number
  readonly bytesWritten: number
  readonly pendingBytes: number
}

/**
 * A connection that has taken nothing of what waits for it for so long is cut: dead peers must cost a bounded time. It
 * may come back with its cursor.
 */
const STALL_MS = 5 * 60_000
const STALL_CHECK_MS = 30_000

/** Drains end this many groups of streams, one after the other. */
const DRAIN_STEPS = 20
/** A listener comes back no sooner than this after the drain. */
const RETURN_MS = 1_000

export class Connections {
  readonly #open = new Set<Connection>()
  #ended = { count: 0, bytes: 0 }
  #draining = false
  readonly #stalls = new Map<Connection, { taken: number; since: number }>()
  readonly #timer: NodeJS.Timeout
  #checkedAt = performance.now()

  constructor() {
    this.#timer = setInterval(() => this.#cutStalled(performance.now()), STALL_CHECK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  get size(): number {
    return this.#open.size
  }

  get isDraining(): boolean {
    return this.#draining
  }

  /** One that was asked for before a drain, and is only ready now, ends as soon as it has opened. */
  add(connection: Connection): void {
    this.#open.add(connection)
    if (!this.#draining) return
    announceDrain(connection, 0)
    connection.subscription.finish('draining')
  }

  /** Safe to call twice. */
  remove(connection: Connection): void {
    if (!this.#open.delete(connection)) return
    this.#stalls.delete(connection)
    this.#ended.count += 1
    this.#ended.bytes += connection.sink.bytesWritten
  }

  counts(): ConnectionCounts {
    const counts = {
      total: this.#open.size,
      sse: 0,
      ws: 0,
      socketio: 0,
      behind: 0,
      bytesWritten: this.#ended.bytes,
      pendingBytes: 0,
    }
    for (const { transport, subscription, sink } of this.#open) {
      counts[transport] += 1
      if (subscription.isBehind) counts.behind += 1
      counts.bytesWritten += sink.bytesWritten
      counts.pendingBytes += sink.pendingBytes
    }
    return counts
  }

  /** Cuts every connection: clients come back with their cursors and lose nothing. */
  destroyAll(): void {
    for (const { sink } of this.#open) sink.destroy()
  }

  /**
   * Tells every listener that the server is going and when to come back, and ends the streams in groups, which takes
   * `drainMs` when there are many. Resolves when all are ended.
   */
  async drain(drainMs: number): Promise<void> {
    this.#draining = true
    const listeners = [...this.#open]
    const group = Math.max(1, Math.ceil(listeners.length / DRAIN_STEPS))
    const pauseMs = drainMs / DRAIN_STEPS
    const leftMs = Math.max(0, Math.ceil(listeners.length / group) - 1) * pauseMs
    for (const listener of listeners) announceDrain(listener, leftMs)
    for (let at = 0; at < listeners.length; at += group) {
      if (at > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      for (const { subscription } of listeners.slice(at, at + group)) subscription.finish('draining')
    }
  }

  #cutStalled(now: number): void {
    // While this process was stopped, nothing that it wrote could be taken: what was counted before counts no more.
    if (now - this.#checkedAt > 2 * STALL_CHECK_MS) this.#stalls.clear()
    this.#checkedAt = now
    for (const connection of this.#open) {
      const { pendingBytes, bytesWritten } = connection.sink
      const taken = bytesWritten - pendingBytes
      const stall = this.#stalls.get(connection)
      if (pendingBytes === 0) this.#stalls.delete(connection)
      else if (stall?.taken !== taken) this.#stalls.set(connection, { taken, since: now })
      else if (now - stall.since >= STALL_MS) connection.sink.destroy()
    }
  }
}

function announceDrain({ subscription }: Connection, leftMs: number): void {
  const retryMs = Math.round(leftMs + RETURN_MS + Math.random() * RETURN_MS)
  subscription.announce(CONTROL.draining, JSON.stringify({ retryMs }), retryMs)
}

/** `ms` within +-20 %, so that clients do not all come back in the same moment. */
export function spread(ms: number): number {
  return Math.round(ms * (1 - SPREAD + Math.random() * 2 * SPREAD))
}
