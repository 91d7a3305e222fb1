/** Tells the domain whom sockets speak for. What fails here costs an announcement, not the socket. */
import type { Store } from '../db/store.ts'
import { agentConnected, agentDisconnected } from '../domain/presence.ts'

export interface Presence {
  /** A socket speaks for an agent from now on. */
  connected(socket: { clientId: string; agentId: string; sessionId: string | null }): Promise<void>
  /** The socket is gone. */
  disconnected(clientId: string): void
  /** From now on nothing is written: the service ends, and tells the rest by itself. */
  stop(): void
}

export function createPresence(store: Store, onError: (error: unknown) => void): Presence {
  let isStopped = false
  return {
    async connected(socket) {
      if (!isStopped) await store.transact((tx) => agentConnected(tx, socket))
    },
    disconnected(clientId) {
      if (!isStopped) store.transact((tx) => agentDisconnected(tx, clientId)).catch(onError)
    },
    stop() {
      isStopped = true
    },
  }
}
