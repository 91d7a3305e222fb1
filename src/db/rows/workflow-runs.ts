/** Rows of workflow runs. `position` is their insertion order. */
import type { RunStatus, WorkflowRun } from '../../../shared/src/types/workflows.ts'
import { ChannelPatterns } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { anyOf, clause, equals, onBoardOr, within } from './visible.ts'

interface RunRow {
  id: string
  board_id: string | null
  name: string
  status: RunStatus
  current_step: string | null
  error: string | null
  started_at: string | null
  completed_at: string | null
}

const SELECT = 'SELECT id, board_id, name, status, current_step, error, started_at, completed_at FROM workflow_runs'

export async function findRun(sql: Sql, id: string): Promise<WorkflowRun | undefined> {
  const row = await sql.get<RunRow>(`${SELECT} WHERE id = ?`, [id])
  return row && toRun(row)
}

/**
 * At most `limit` runs, newest first; of one board when `boardId` is given. `sees` matches the channel of each, or that of
 * its board, which is `global` without one.
 */
export async function listRuns(
  sql: Sql,
  { boardId, limit }: { boardId?: string | undefined; limit: number },
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<WorkflowRun[]> {
  const seen = anyOf(within('id', sees.idsOf('workflow')), onBoardOr('global', sees))
  const { text, params } = clause('WHERE', equals('board_id', boardId), seen)
  const rows = await sql.all<RunRow>(`${SELECT} ${text} ORDER BY position DESC LIMIT ?`, [...params, limit])
  return rows.map(toRun)
}

export async function insertRun(sql: Sql, run: WorkflowRun): Promise<void> {
  await sql.run(
    `INSERT INTO workflow_runs (id, board_id, name, status, current_step, error, started_at, completed_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    [run.id, run.boardId, run.name, run.status, run.currentStep, run.error, run.startedAt, run.completedAt],
  )
}

/** Saves the fields that may change. */
export async function saveRun(sql: Sql, run: WorkflowRun): Promise<void> {
  await sql.run(
    'UPDATE workflow_runs SET status = ?, current_step = ?, error = ?, started_at = ?, completed_at = ? WHERE id = ?',
    [run.status, run.currentStep, run.error, run.startedAt, run.completedAt, run.id],
  )
}

function toRun(row: RunRow): WorkflowRun {
  return {
    id: row.id,
    boardId: row.board_id,
    name: row.name,
    status: row.status,
    currentStep: row.current_step,
    error: row.error,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  }
}
