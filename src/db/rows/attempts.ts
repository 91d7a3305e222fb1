/** Rows of attempts. */
import type { Attempt, AttemptStatus } from '../../../shared/src/types/kanban.ts'
import type { Sql } from '../sql.ts'

interface AttemptRow {
  id: string
  board_id: string
  card_id: string
  agent: string
  profile_id: string | null
  status: AttemptStatus
  base_branch: string | null
  branch_name: string | null
  worktree_path: string | null
  session_id: string | null
  pr: string | null
  exit_code: number | null
  error: string | null
  started_at: string | null
  ended_at: string | null
  created_at: string
  updated_at: string
}

/** The fields of an attempt that status events carry. */
export type AttemptSummary = Pick<Attempt, 'id' | 'cardId' | 'agent' | 'status' | 'endedAt' | 'exitCode' | 'error'> & {
  readonly previousStatus: AttemptStatus | null
}

/** The ids that an attempt refers to, for the events about it. */
export type AttemptRefs = Pick<Attempt, 'boardId' | 'cardId' | 'agent'> & {
  /** The time of its last log line, ISO 8601. May lag: see `saveLastLineAt`. */
  readonly lastLineAt: string | null
}

const FIELDS = `id, board_id, card_id, agent, profile_id, status, base_branch, branch_name, worktree_path, session_id, pr,
  exit_code, error, started_at, ended_at, created_at, updated_at`

export async function findAttempt(sql: Sql, id: string): Promise<Attempt | undefined> {
  const row = await sql.get<AttemptRow>(`SELECT ${FIELDS} FROM attempts WHERE id = ?`, [id])
  return row && toAttempt(row)
}

export async function findAttemptRefs(sql: Sql, id: string): Promise<AttemptRefs | undefined> {
  return sql.get<AttemptRefs>(
    `SELECT board_id AS "boardId", card_id AS "cardId", agent, last_line_at AS "lastLineAt" FROM attempts WHERE id = ?`,
    [id],
  )
}

/** The attempt of a card that has not ended, if any. */
export async function findActiveAttempt(sql: Sql, cardId: string): Promise<Attempt | undefined> {
  const row = await sql.get<AttemptRow>(
    `SELECT ${FIELDS} FROM attempts WHERE card_id = ? AND status IN ('queued', 'running', 'stopping')
     ORDER BY ordinal DESC LIMIT 1`,
    [cardId],
  )
  return row && toAttempt(row)
}

/** Every attempt at a card, newest first. */
export async function listAttemptsOfCard(sql: Sql, cardId: string): Promise<Attempt[]> {
  const rows = await sql.all<AttemptRow>(`SELECT ${FIELDS} FROM attempts WHERE card_id = ? ORDER BY ordinal DESC`, [
    cardId,
  ])
  return rows.map(toAttempt)
}

/** Every attempt that has not ended, oldest first. */
export async function listActiveAttempts(sql: Sql): Promise<Attempt[]> {
  const rows = await sql.all<AttemptRow>(
    `SELECT ${FIELDS} FROM attempts WHERE status IN ('queued', 'running', 'stopping') ORDER BY position`,
  )
  return rows.map(toAttempt)
}

/** The newest attempt of every card of a board, newest first. */
export async function listNewestAttempts(sql: Sql, boardId: string): Promise<AttemptSummary[]> {
  return sql.all<AttemptSummary>(
    `SELECT a.id, a.card_id AS "cardId", a.agent, a.status, a.previous_status AS "previousStatus",
       a.ended_at AS "endedAt", a.exit_code AS "exitCode", a.error
     FROM attempts a
     WHERE a.board_id = ?
       AND NOT EXISTS (SELECT 1 FROM attempts newer WHERE newer.card_id = a.card_id AND newer.ordinal > a.ordinal)
     ORDER BY a.position DESC`,
    [boardId],
  )
}

/** Adds the attempt as the newest of its card. */
export async function insertAttempt(sql: Sql, attempt: Attempt): Promise<void> {
  await sql.run(
    `INSERT INTO attempts (id, board_id, card_id, ordinal, agent, profile_id, status, base_branch, branch_name,
       worktree_path, session_id, pr, exit_code, error, started_at, ended_at, created_at, updated_at, position)
     VALUES (?, ?, ?, (SELECT coalesce(max(ordinal), 0) + 1 FROM attempts WHERE card_id = ?), ?, ?, ?, ?, ?,
       ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM attempts))`,
    [
      attempt.id,
      attempt.boardId,
      attempt.cardId,
      attempt.cardId,
      attempt.agent,
      attempt.profileId,
      attempt.status,
      attempt.baseBranch,
      attempt.branchName,
      attempt.worktreePath,
      attempt.sessionId,
      attempt.pr && JSON.stringify(attempt.pr),
      attempt.exitCode,
      attempt.error,
      attempt.startedAt,
      attempt.endedAt,
      attempt.createdAt,
      attempt.updatedAt,
    ],
  )
}

/** Saves the fields that may change. When the status changes, the old one becomes the previous status. */
export async function saveAttempt(sql: Sql, attempt: Attempt): Promise<void> {
  await sql.run(
    `UPDATE attempts SET previous_status = CASE WHEN status = ? THEN previous_status ELSE status END, status = ?,
       branch_name = ?, worktree_path = ?, session_id = ?, pr = ?, exit_code = ?, error = ?, started_at = ?, ended_at = ?,
       updated_at = ?
     WHERE id = ?`,
    [
      attempt.status,
      attempt.status,
      attempt.branchName,
      attempt.worktreePath,
      attempt.sessionId,
      attempt.pr && JSON.stringify(attempt.pr),
      attempt.exitCode,
      attempt.error,
      attempt.startedAt,
      attempt.endedAt,
      attempt.updatedAt,
      attempt.id,
    ],
  )
}

/** The log lines themselves are stored in the event log; the row only knows when the last one came, roughly. */
export async function saveLastLineAt(sql: Sql, attemptId: string, now: string): Promise<void> {
  await sql.run('UPDATE attempts SET last_line_at = ? WHERE id = ?', [now, attemptId])
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    id: row.id,
    boardId: row.board_id,
    cardId: row.card_id,
    agent: row.agent,
    profileId: row.profile_id,
    status: row.status,
    baseBranch: row.base_branch,
    branchName: row.branch_name,
    worktreePath: row.worktree_path,
    sessionId: row.session_id,
    pr: row.pr === null ? null : JSON.parse(row.pr),
    exitCode: row.exit_code,
    error: row.error,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
