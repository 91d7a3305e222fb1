/** Rows of the sockets that agents hold: an agent is present while it has one. */
import type { Sql } from '../sql.ts'

export interface AgentSocket {
  readonly clientId: string
  readonly agentId: string
  readonly sessionId: string | null
}

/** Its row. */
export interface StoredSocket extends AgentSocket {
  /** The node that it is on. */
  readonly node: string
}

const COLUMNS = 'client_id AS "clientId", agent_id AS "agentId", session_id AS "sessionId"'

export async function insertAgentSocket(sql: Sql, { clientId, agentId, sessionId, node }: StoredSocket): Promise<void> {
  await sql.run('INSERT INTO agent_sockets (client_id, agent_id, session_id, node) VALUES (?, ?, ?, ?)', [
    clientId,
    agentId,
    sessionId,
    node,
  ])
}

/** Deletes the row and returns it; undefined when there is none. */
export async function takeAgentSocket(sql: Sql, clientId: string): Promise<AgentSocket | undefined> {
  return sql.get(`DELETE FROM agent_sockets WHERE client_id = ? RETURNING ${COLUMNS}`, [clientId])
}

export async function findAgentSocket(sql: Sql, clientId: string): Promise<AgentSocket | undefined> {
  return sql.get(`SELECT ${COLUMNS} FROM agent_sockets WHERE client_id = ?`, [clientId])
}

/** Sorted by client id, which is the order in which they connected. */
export async function allAgentSockets(sql: Sql): Promise<AgentSocket[]> {
  return sql.all(`SELECT ${COLUMNS} FROM agent_sockets ORDER BY client_id`)
}

/** Those on one node, sorted as all are. */
export async function agentSocketsOn(sql: Sql, node: string): Promise<AgentSocket[]> {
  return sql.all(`SELECT ${COLUMNS} FROM agent_sockets WHERE node = ? ORDER BY client_id`, [node])
}

export async function hasAgentSocket(sql: Sql, agentId: string): Promise<boolean> {
  return (await sql.get('SELECT 1 FROM agent_sockets WHERE agent_id = ? LIMIT 1', [agentId])) !== undefined
}

export async function agentsWithSockets(sql: Sql): Promise<Set<string>> {
  const rows = await sql.all<{ agentId: string }>('SELECT DISTINCT agent_id AS "agentId" FROM agent_sockets')
  return new Set(rows.map(({ agentId }) => agentId))
}
