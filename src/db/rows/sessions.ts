/** Rows of sessions. `position` is their insertion order. */
import type { Session, SessionStatus } from '../../../shared/src/types/sessions.ts'
import { ChannelPatterns } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { clause, equals, within } from './visible.ts'

/** The ids that a session refers to, for the events of its output. */
export interface SessionRefs {
  readonly boardId: string | null
  readonly agentId: string | null
  /** The `seq` after which its events begin; earlier events belong to a deleted session with the same id. */
  readonly sinceSeq: number
}

interface SessionRow {
  id: string
  board_id: string | null
  agent_id: string | null
  name: string | null
  status: SessionStatus
  error: string | null
  created_at: string
  updated_at: string
}

const SELECT = 'SELECT id, board_id, agent_id, name, status, error, created_at, updated_at FROM sessions'

export async function findSession(sql: Sql, id: string): Promise<Session | undefined> {
  const row = await sql.get<SessionRow>(`${SELECT} WHERE id = ?`, [id])
  return row && toSession(row)
}

export async function findSessionRefs(sql: Sql, id: string): Promise<SessionRefs | undefined> {
  return sql.get<SessionRefs>(
    'SELECT board_id AS "boardId", agent_id AS "agentId", since_seq AS "sinceSeq" FROM sessions WHERE id = ?',
    [id],
  )
}

/** At most `limit` sessions that `sees` matches, newest first; of one board when `boardId` is given. */
export async function listSessions(
  sql: Sql,
  { boardId, limit }: { boardId?: string | undefined; limit: number },
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<Session[]> {
  const { text, params } = clause('WHERE', equals('board_id', boardId), within('id', sees.idsOf('session')))
  const rows = await sql.all<SessionRow>(`${SELECT} ${text} ORDER BY position DESC LIMIT ?`, [...params, limit])
  return rows.map(toSession)
}

export async function insertSession(sql: Sql, session: Session, sinceSeq: number): Promise<void> {
  await sql.run(
    `INSERT INTO sessions (id, board_id, agent_id, name, status, error, since_seq, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      session.id,
      session.boardId,
      session.agentId,
      session.name,
      session.status,
      session.error,
      sinceSeq,
      session.createdAt,
      session.updatedAt,
    ],
  )
}

/** Saves the fields that may change. */
export async function saveSession(sql: Sql, { id, status, error, updatedAt }: Session): Promise<void> {
  await sql.run('UPDATE sessions SET status = ?, error = ?, updated_at = ? WHERE id = ?', [
    status,
    error,
    updatedAt,
    id,
  ])
}

function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    boardId: row.board_id,
    agentId: row.agent_id,
    name: row.name,
    status: row.status,
    error: row.error,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
