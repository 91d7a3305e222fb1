/** Rows of subtasks. `position` is their insertion order. */
import type { Subtask, SubtaskStatus } from '../../../shared/src/types/tasks.ts'
import type { Sql } from '../sql.ts'

interface SubtaskRow {
  subtask_id: string
  task_id: string
  agent_type: string | null
  agent_id: string | null
  description: string
  status: SubtaskStatus
  blocked_by: string
  result: string | null
  created_at: string
  started_at: string | null
  completed_at: string | null
}

const FIELDS = `subtask_id, task_id, agent_type, agent_id, description, status, blocked_by, result, created_at,
  started_at, completed_at`

export async function findSubtask(sql: Sql, id: string): Promise<Subtask | undefined> {
  const row = await sql.get<SubtaskRow>(`SELECT ${FIELDS} FROM subtasks WHERE subtask_id = ?`, [id])
  return row && fromRow(row)
}

/** At most `limit` subtasks, oldest first. */
export async function listSubtasks(sql: Sql, taskId: string, limit: number): Promise<Subtask[]> {
  const rows = await sql.all<SubtaskRow>(`SELECT ${FIELDS} FROM subtasks WHERE task_id = ? ORDER BY position LIMIT ?`, [
    taskId,
    limit,
  ])
  return rows.map(fromRow)
}

export async function insertSubtask(sql: Sql, subtask: Subtask): Promise<void> {
  await sql.run(`INSERT INTO subtasks (${FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
    subtask.subtask_id,
    subtask.task_id,
    subtask.agent_type,
    subtask.agent_id,
    subtask.description,
    subtask.status,
    JSON.stringify(subtask.blocked_by),
    resultText(subtask),
    subtask.created_at,
    subtask.started_at,
    subtask.completed_at,
  ])
}

/** Saves the fields that may change. */
export async function saveSubtask(sql: Sql, subtask: Subtask): Promise<void> {
  await sql.run(
    `UPDATE subtasks SET agent_type = ?, agent_id = ?, description = ?, status = ?, blocked_by = ?, result = ?,
       started_at = ?, completed_at = ?
     WHERE subtask_id = ?`,
    [
      subtask.agent_type,
      subtask.agent_id,
      subtask.description,
      subtask.status,
      JSON.stringify(subtask.blocked_by),
      resultText(subtask),
      subtask.started_at,
      subtask.completed_at,
      subtask.subtask_id,
    ],
  )
}

function resultText({ result }: Subtask): string | null {
  return result === null ? null : JSON.stringify(result)
}

function fromRow(row: SubtaskRow): Subtask {
  return {
    ...row,
    blocked_by: JSON.parse(row.blocked_by) as string[],
    result: row.result === null ? null : (JSON.parse(row.result) as Subtask['result']),
  }
}
