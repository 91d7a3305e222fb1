/**
 * Connects sockets with the presence of agents. Others learn of a socket's agent by a mutation. One that fails is tried
 * again until it succeeds, in the state that the socket has by then.
 */
import type { AgentSocket } from '../db/rows/presence.ts'
import type { Sql } from '../db/sql.ts'
import type { Store } from '../db/store.ts'
import { agentConnected, agentDisconnected } from '../domain/presence.ts'

export interface Presence {
  /** The client of a socket is an agent from now on. `actor`: of its credential. */
  connected(socket: AgentSocket, actor: string | null): Promise<void>
  /** The socket has ended, or stands for nobody any more. */
  disconnected(clientId: string, actor: string | null): void
  /** Other nodes have told every socket on this one as disconnected: those that are open are told as connected again. */
  tellAgain(): void
  /** Nothing is written from now on: a server that stops disconnects all agents at once. */
  stop(): void
}

export interface PresenceOptions {
  readonly store: Store
  /** The name of this node. */
  readonly node: string
  /** Inside a transaction: false if other nodes take this one for dead. Its sockets are told when it has come back. */
  isMember(sql: Sql): Promise<boolean>
  onError(error: unknown): void
}

const RETRY_MS = 1_000

export function createPresence({ store, node, isMember, onError }: PresenceOptions): Presence {
  /** Sockets that stand for an agent. */
  const open = new Map<string, { readonly socket: AgentSocket; readonly actor: string | null }>()
  /** By client id: sockets whose state could not be told, with the actor of their credential. */
  const untold = new Map<string, string | null>()
  let isStopped = false
  let timer: NodeJS.Timeout | undefined

  async function tell(clientId: string, actor: string | null): Promise<void> {
    const socket = open.get(clientId)?.socket
    try {
      await store.transact(
        async (tx) => {
          if (!socket) await agentDisconnected(tx, clientId)
          else if (await isMember(tx.sql)) await agentConnected(tx, { ...socket, node })
        },
        { actor },
      )
    } catch (error) {
      if (!isStopped) {
        untold.set(clientId, actor)
        timer ??= setTimeout(retry, RETRY_MS).unref()
      }
      throw error
    }
  }

  function retry(): void {
    timer = undefined
    const due = [...untold]
    untold.clear()
    for (const [clientId, actor] of due) tell(clientId, actor).catch(onError)
  }

  return {
    async connected(socket, actor) {
      if (isStopped) return
      open.set(socket.clientId, { socket, actor })
      await tell(socket.clientId, actor)
    },
    disconnected(clientId, actor) {
      if (isStopped) return
      open.delete(clientId)
      tell(clientId, actor).catch(onError)
    },
    tellAgain() {
      if (isStopped) return
      for (const [clientId, { actor }] of open) tell(clientId, actor).catch(onError)
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
