/** A server that listens, and the two ways to end it. */
import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { setImmediate, setTimeout as wait } from 'node:timers/promises'
import type { Logger } from '../base/logger.ts'
import type { Drain } from '../connections/drain.ts'
import type { ConnectionRegistry } from '../connections/registry.ts'
import type { Sockets } from './sockets.ts'

export interface RunningParts {
  readonly url: string
  readonly port: number
  readonly logger: Logger
  readonly server: Server
  readonly sockets: Sockets
  readonly registry: ConnectionRegistry
  readonly drain: Drain
  /** How long the drain takes, and then how long clients have to finish. */
  readonly drainMs: number
  /** Ends connections on which nothing was requested yet. */
  endUnusedConnections(): void
  /** Stops everything that runs by the clock, and closes the database. */
  stop(): Promise<void>
  pageLink(): Promise<string | null>
}

/** How long kept connections stay open for a next request: this part of the drain, but not longer than that. */
const PART_OF_DRAIN = 1 / 20
const LINGER_MS = 250

export class RunningServer {
  readonly url: string
  readonly port: number
  readonly #parts: RunningParts
  /** The first end, by `close` or `abort`. */
  #ended: Promise<void> | null = null
  #stopped: Promise<void> | null = null

  constructor(parts: RunningParts) {
    this.url = parts.url
    this.port = parts.port
    this.#parts = parts
  }

  /**
   * The address of the page, with a ticket that opens it with every right, once and within 30 s. null: the server listens on
   * a Unix socket, which no browser can reach.
   */
  pageLink(): Promise<string | null> {
    return this.#parts.pageLink()
  }

  /** Drains the streams, finishes the requests in progress and closes the database. Safe to call twice. */
  close(): Promise<void> {
    this.#ended ??= this.#close()
    return this.#ended
  }

  /** Cuts every connection and closes the database at once. A drain that is in progress is not waited for. */
  async abort(): Promise<void> {
    const { server } = this.#parts
    server.close()
    this.#cutAll()
    this.#ended ??= this.#stop()
    await this.#stop()
  }

  async #close(): Promise<void> {
    const { logger, server, registry, drain, drainMs, endUnusedConnections } = this.#parts
    logger.info({ streams: registry.size }, 'draining')
    const closed = new Promise<void>((resolve) => server.once('close', resolve))
    drain.announce()
    await stopListening(server)
    await Promise.race([closed, wait(Math.min(drainMs * PART_OF_DRAIN, LINGER_MS), undefined, { ref: false })])
    // What has arrived on the connections is read before the idle ones are closed.
    await setImmediate()
    server.close()
    await drain.run(drainMs)
    server.closeIdleConnections()
    // Last, because a client could still send a request on one and learn when to come back.
    endUnusedConnections()
    const patience = setTimeout(() => this.#cutAll(), drainMs)
    await closed
    clearTimeout(patience)
    await this.#stop()
    logger.info({}, 'closed')
  }

  #cutAll(): void {
    this.#parts.server.closeAllConnections()
    this.#parts.sockets.destroyAll()
  }

  /** Once, after everything that may still write to the database. */
  #stop(): Promise<void> {
    this.#stopped ??= this.#parts.stop()
    return this.#stopped
  }
}

/**
 * Refuses new connections and keeps those that are open. `Server.close` of node:http would close the idle ones too. A proxy
 * that sends a mutation on one at that moment cannot know whether it was carried out, and answers 502.
 */
async function stopListening(server: Server): Promise<void> {
  // Connections in the backlog would be reset: this turn of the event loop accepts them.
  await setImmediate()
  NetServer.prototype.close.call(server)
}
