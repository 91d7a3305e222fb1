/**
 * Agents that hold a socket. Each socket is told of by itself: an agent may hold several, and is there while it holds
 * one. A socket speaks for one agent at a time.
 */
import {
  type AgentSocket,
  allAgentSockets,
  findAgentSocket,
  insertAgentSocket,
  takeAgentSocket,
} from '../db/rows/agent-sockets.ts'
import type { Tx } from '../db/store.ts'

/** The socket `clientId` speaks for an agent from now on, and for nobody else. The same again is no event. */
export async function agentConnected(tx: Tx, socket: AgentSocket): Promise<void> {
  const known = await findAgentSocket(tx.sql, socket.clientId)
  if (known?.agentId === socket.agentId && known.sessionId === socket.sessionId) return
  if (known) await agentDisconnected(tx, socket.clientId)
  await insertAgentSocket(tx.sql, socket)
  tx.emit('agent.connected', payloadOf(socket))
}

/** The socket is gone. Nothing happens when it spoke for nobody. */
export async function agentDisconnected(tx: Tx, clientId: string): Promise<void> {
  const socket = await takeAgentSocket(tx.sql, clientId)
  if (socket) tx.emit('agent.disconnected', payloadOf(socket))
}

/** All sockets are gone, as when the service ends or is found to have ended. Resolves to how many there were. */
export async function disconnectAll(tx: Tx): Promise<number> {
  const sockets = await allAgentSockets(tx.sql)
  for (const { clientId } of sockets) await agentDisconnected(tx, clientId)
  return sockets.length
}

function payloadOf({ agentId, clientId, sessionId }: AgentSocket) {
  return { agent_id: agentId, client_id: clientId, session_id: sessionId }
}
