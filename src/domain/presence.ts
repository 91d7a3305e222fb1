/**
 * Which agents are connected by a socket. An agent may hold several sockets and is present while it holds at least one;
 * each socket has its own events. A socket stands for one agent at a time.
 */
import {
  type AgentSocket,
  agentSocketsOn,
  allAgentSockets,
  findAgentSocket,
  insertAgentSocket,
  type StoredSocket,
  takeAgentSocket,
} from '../db/rows/presence.ts'
import type { Tx } from '../db/store.ts'

/** The socket `clientId` now stands for this agent and no other. Emits nothing when it already does. */
export async function agentConnected(tx: Tx, socket: StoredSocket): Promise<void> {
  const known = await findAgentSocket(tx.sql, socket.clientId)
  if (known?.agentId === socket.agentId && known.sessionId === socket.sessionId) return
  if (known) await agentDisconnected(tx, socket.clientId)
  await insertAgentSocket(tx.sql, socket)
  tx.emit('agent.connected', payloadOf(socket))
}

/** The socket has closed. Emits nothing when it stood for no agent. */
export async function agentDisconnected(tx: Tx, clientId: string): Promise<void> {
  const socket = await takeAgentSocket(tx.sql, clientId)
  if (socket) tx.emit('agent.disconnected', payloadOf(socket))
}

/** All sockets have closed: the only server stops, or finds that its predecessor died. */
export async function disconnectAll(tx: Tx): Promise<void> {
  await disconnect(tx, await allAgentSockets(tx.sql))
}

/** The sockets on one node have closed: it stops, or is dead. */
export async function disconnectNode(tx: Tx, node: string): Promise<void> {
  await disconnect(tx, await agentSocketsOn(tx.sql, node))
}

async function disconnect(tx: Tx, sockets: readonly AgentSocket[]): Promise<void> {
  for (const { clientId } of sockets) await agentDisconnected(tx, clientId)
}

function payloadOf({ agentId, clientId, sessionId }: AgentSocket) {
  return { agent_id: agentId, client_id: clientId, session_id: sessionId }
}
