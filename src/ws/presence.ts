/** Connects sockets with the presence of agents. A failure here costs an event, not the socket. */
import type { Store } from '../db/store.ts'
import { agentConnected, agentDisconnected } from '../domain/presence.ts'

export interface Presence {
  /** The client of a socket is an agent from now on. `actor`: of its credential. */
  connected(
    socket: { clientId: string; agentId: string; sessionId: string | null },
    actor: string | null,
  ): Promise<void>
  /** The socket has ended, or stands for nobody any more. */
  disconnected(clientId: string, actor: string | null): void
  /** Nothing is written from now on: a server that stops disconnects all agents at once. */
  stop(): void
}

export function createPresence(store: Store, onError: (error: unknown) => void): Presence {
  let isStopped = false
  return {
    async connected(socket, actor) {
      if (!isStopped) await store.transact((tx) => agentConnected(tx, socket), { actor })
    },
    disconnected(clientId, actor) {
      if (!isStopped) store.transact((tx) => agentDisconnected(tx, clientId), { actor }).catch(onError)
    },
    stop() {
      isStopped = true
    },
  }
}
