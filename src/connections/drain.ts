/** Shutting down without losing clients: each is sent the time to come back after, and the connections end in groups. */
import { CONTROL } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import type { ConnectionRegistry, RegisteredConnection } from './registry.ts'

/** The connections end in this many groups, one after the other. */
const GROUPS = 20
/** Clients come back no sooner than this after the drain. */
const RETURN_MS = 1_000
/** For clients that are refused. */
const RETRY_AFTER_S = 2

export class Drain {
  readonly #registry: ConnectionRegistry
  #isAnnounced = false
  #hasBegun = false

  constructor(registry: ConnectionRegistry) {
    this.#registry = registry
  }

  /** From now on the server is not ready, and each answer ends its connection. Nothing is refused yet. */
  announce(): void {
    this.#isAnnounced = true
  }

  get isAnnounced(): boolean {
    return this.#isAnnounced
  }

  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Throws `draining` once the drain has begun: no stream or socket opens any more. */
  refuseConnections(): void {
    if (this.#hasBegun) throw draining('The server is going down. Come back in a moment.')
  }

  /** Throws `draining` once the drain has begun: nothing may be changed any more. */
  refuseMutations(): void {
    if (this.#hasBegun) throw draining('The server is going down; nothing was changed. Try again in a moment.')
  }

  /** A connection that was requested before the drain and is ready only now ends as soon as it has opened. */
  include(connection: RegisteredConnection): void {
    if (!this.#hasBegun) return
    sendDraining(connection, 0)
    connection.subscription.finish('draining')
  }

  /**
   * Sends every client `draining` with the time to come back after, and ends the connections in groups, which takes
   * `drainMs` if there are many. Resolves when all have ended.
   */
  async run(drainMs: number): Promise<void> {
    this.announce()
    this.#hasBegun = true
    const connections = [...this.#registry]
    const groupSize = Math.max(1, Math.ceil(connections.length / GROUPS))
    const pauseMs = drainMs / GROUPS
    const leftMs = Math.max(0, Math.ceil(connections.length / groupSize) - 1) * pauseMs
    for (const connection of connections) sendDraining(connection, leftMs)
    for (let at = 0; at < connections.length; at += groupSize) {
      if (at > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      for (const { subscription } of connections.slice(at, at + groupSize)) subscription.finish('draining')
    }
  }
}

function draining(detail: string): Problem {
  return new Problem('draining', detail, { retryAfterS: RETRY_AFTER_S })
}

/** The random part keeps clients from coming back all at once. */
function sendDraining({ subscription }: RegisteredConnection, leftMs: number): void {
  const retryMs = Math.round(leftMs + RETURN_MS + Math.random() * RETURN_MS)
  subscription.sendControl(CONTROL.draining, JSON.stringify({ retryMs }), retryMs)
}
