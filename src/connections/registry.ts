/** All open connections of all transports, and the figures that operations report about them. */
import type { Subscription } from '../sse/delivery/subscription.ts'
import { expire } from './lapse.ts'
import type { ConnectionSink } from './sink.ts'

/** In the order in which statistics list them. */
export const TRANSPORTS = ['sse', 'ws', 'socketio'] as const
export type Transport = (typeof TRANSPORTS)[number]

export interface RegisteredConnection {
  readonly transport: Transport
  readonly subscription: Pick<Subscription, 'isBehind' | 'sendControl' | 'finish'>
  readonly sink: Pick<ConnectionSink, 'bytesWritten' | 'pendingBytes' | 'destroy'>
  /** The key that the client's credential was verified with. */
  readonly keyId: string
}

export interface ConnectionCounts {
  readonly total: number
  readonly byTransport: Readonly<Record<Transport, number>>
  /** Connections that are reading from the log. */
  readonly behind: number
  readonly bytesWritten: number
  readonly pendingBytes: number
}

export class ConnectionRegistry {
  readonly #open = new Set<RegisteredConnection>()
  /** Bytes of connections that have ended. */
  #endedBytes = 0

  get size(): number {
    return this.#open.size
  }

  /** A connection may be removed during the iteration. */
  [Symbol.iterator](): IterableIterator<RegisteredConnection> {
    return this.#open.values()
  }

  add(connection: RegisteredConnection): void {
    this.#open.add(connection)
  }

  /** Safe to call twice. */
  remove(connection: RegisteredConnection): void {
    if (this.#open.delete(connection)) this.#endedBytes += connection.sink.bytesWritten
  }

  /** Ends the connections of keys that were withdrawn, as if their credentials had lapsed. */
  async expireWithdrawn(isWithdrawn: (keyId: string) => Promise<boolean>): Promise<void> {
    const keyIds = new Set<string>()
    for (const { keyId } of this.#open) keyIds.add(keyId)
    for (const keyId of keyIds) {
      if (!(await isWithdrawn(keyId))) continue
      for (const connection of this.#open) if (connection.keyId === keyId) expire(connection.subscription)
    }
  }

  counts(): ConnectionCounts {
    const byTransport = { sse: 0, ws: 0, socketio: 0 } satisfies Record<Transport, number>
    let behind = 0
    let bytesWritten = this.#endedBytes
    let pendingBytes = 0
    for (const { transport, subscription, sink } of this.#open) {
      byTransport[transport] += 1
      if (subscription.isBehind) behind += 1
      bytesWritten += sink.bytesWritten
      pendingBytes += sink.pendingBytes
    }
    return { total: this.#open.size, byTransport, behind, bytesWritten, pendingBytes }
  }

  /** Cuts every connection. Clients come back with their cursors and lose nothing. */
  destroyAll(): void {
    for (const { sink } of this.#open) sink.destroy()
  }
}
