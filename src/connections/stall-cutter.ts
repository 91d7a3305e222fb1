/**
 * Cuts stalled connections: those that have taken no byte of what is pending for five minutes. A dead client then costs
 * memory for a bounded time. One that is alive comes back with its cursor and loses nothing. Slow clients are not cut.
 */
import type { ConnectionRegistry, RegisteredConnection } from './registry.ts'

const STALL_MS = 5 * 60_000
const CHECK_MS = 30_000

/** How many bytes a connection had taken, and since when there have been no more. */
interface Stall {
  readonly taken: number
  readonly since: number
}

export class StallCutter {
  readonly #registry: ConnectionRegistry
  readonly #timer: NodeJS.Timeout
  /** Connections with pending bytes at the last check. */
  #stalls: ReadonlyMap<RegisteredConnection, Stall> = new Map()
  #checkedAt = performance.now()

  constructor(registry: ConnectionRegistry) {
    this.#registry = registry
    this.#timer = setInterval(() => this.#check(performance.now()), CHECK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #check(now: number): void {
    // While this process was stopped it could not see what clients took, so the measuring begins again.
    const before = now - this.#checkedAt > 2 * CHECK_MS ? new Map<RegisteredConnection, Stall>() : this.#stalls
    const stalls = new Map<RegisteredConnection, Stall>()
    for (const connection of this.#registry) {
      const { pendingBytes, bytesWritten } = connection.sink
      if (pendingBytes === 0) continue
      const taken = bytesWritten - pendingBytes
      const known = before.get(connection)
      const stall = known?.taken === taken ? known : { taken, since: now }
      stalls.set(connection, stall)
      if (now - stall.since >= STALL_MS) connection.sink.destroy()
    }
    this.#stalls = stalls
    this.#checkedAt = now
  }
}
