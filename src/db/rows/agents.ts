/** Rows of registered agents, and the active attempts of agents. */
import type { Capabilities } from '../../../shared/src/types/agents.ts'
import type { AttemptStatus } from '../../../shared/src/types/kanban.ts'
import type { IdRange } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { clause, within } from './visible.ts'

/** The registration of an agent and its last sign of life. */
export interface StoredAgent {
  readonly id: string
  readonly label: string | null
  readonly kind: string | null
  readonly capabilities: Capabilities | null
  readonly lastSeenAt: string | null
  readonly createdAt: string
}

/** An attempt that has not ended, queued ones included. */
export interface ActiveAttemptOfAgent {
  readonly agent: string
  readonly status: AttemptStatus
  readonly cardId: string
  readonly boardId: string
}

interface AgentRow {
  id: string
  label: string | null
  kind: string | null
  capabilities: string | null
  last_seen_at: string | null
  created_at: string
}

const SELECT = 'SELECT id, label, kind, capabilities, last_seen_at, created_at FROM agents'
const SELECT_ACTIVE = `SELECT agent, status, card_id AS "cardId", board_id AS "boardId" FROM attempts
  WHERE status IN ('queued', 'running', 'stopping')`

export async function findAgent(sql: Sql, id: string): Promise<StoredAgent | undefined> {
  const row = await sql.get<AgentRow>(`${SELECT} WHERE id = ?`, [id])
  return row && fromRow(row)
}

/** Those in the range of ids, sorted by id. */
export async function allAgents(sql: Sql, range: IdRange): Promise<StoredAgent[]> {
  const seen = clause('WHERE', within('id', range))
  const rows = await sql.all<AgentRow>(`${SELECT} ${seen.text} ORDER BY id`, seen.params)
  return rows.map(fromRow)
}

/** Inserts or replaces. */
export async function saveAgent(sql: Sql, agent: StoredAgent): Promise<void> {
  await sql.run(
    `INSERT INTO agents (id, label, kind, capabilities, last_seen_at, created_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET label = excluded.label, kind = excluded.kind,
       capabilities = excluded.capabilities, last_seen_at = excluded.last_seen_at`,
    [
      agent.id,
      agent.label,
      agent.kind,
      agent.capabilities && JSON.stringify(agent.capabilities),
      agent.lastSeenAt,
      agent.createdAt,
    ],
  )
}

/** Updates the last sign of life; does nothing when the agent is not registered. */
export async function noteAgentSeen(sql: Sql, id: string, at: string): Promise<void> {
  await sql.run('UPDATE agents SET last_seen_at = ? WHERE id = ?', [at, id])
}

/** The active attempts of one agent, newest first. */
export async function activeAttemptsOfAgent(sql: Sql, id: string): Promise<ActiveAttemptOfAgent[]> {
  return sql.all(`${SELECT_ACTIVE} AND agent = ? ORDER BY position DESC`, [id])
}

/** The active attempts of all agents, newest first. */
export async function activeAttemptsOfAgents(sql: Sql): Promise<ActiveAttemptOfAgent[]> {
  return sql.all(`${SELECT_ACTIVE} ORDER BY position DESC`)
}

function fromRow(row: AgentRow): StoredAgent {
  return {
    id: row.id,
    label: row.label,
    kind: row.kind,
    capabilities: row.capabilities === null ? null : (JSON.parse(row.capabilities) as Capabilities),
    lastSeenAt: row.last_seen_at,
    createdAt: row.created_at,
  }
}
