/** Rows of tasks. `position` is their insertion order. */
import type { Task, TaskStatus } from '../../../shared/src/types/tasks.ts'
import type { Sql, SqlValue } from '../sql.ts'

export interface TaskFilter {
  readonly status?: TaskStatus | undefined
  readonly session_id?: string | undefined
}

const FIELDS = 'task_id, request_id, session_id, name, wave_number, status, created_at, completed_at'

export async function findTask(sql: Sql, id: string): Promise<Task | undefined> {
  return sql.get<Task>(`SELECT ${FIELDS} FROM tasks WHERE task_id = ?`, [id])
}

/** At most `limit` tasks, newest first. */
export async function listTasks(sql: Sql, { status, session_id }: TaskFilter, limit: number): Promise<Task[]> {
  const params: SqlValue[] = []
  const conditions: string[] = []
  // At most four different texts: each is prepared once and uses an index.
  if (status !== undefined) {
    conditions.push('status = ?')
    params.push(status)
  }
  if (session_id !== undefined) {
    conditions.push('session_id = ?')
    params.push(session_id)
  }
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''
  return sql.all<Task>(`SELECT ${FIELDS} FROM tasks ${where} ORDER BY position DESC LIMIT ?`, [...params, limit])
}

export async function insertTask(sql: Sql, task: Task): Promise<void> {
  await sql.run(`INSERT INTO tasks (${FIELDS}, duration_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
    task.task_id,
    task.request_id,
    task.session_id,
    task.name,
    task.wave_number,
    task.status,
    task.created_at,
    task.completed_at,
    durationMs(task),
  ])
}

/** Saves the fields that may change. */
export async function saveTask(sql: Sql, task: Task): Promise<void> {
  await sql.run(
    `UPDATE tasks SET request_id = ?, session_id = ?, name = ?, wave_number = ?, status = ?, completed_at = ?,
       duration_ms = ?
     WHERE task_id = ?`,
    [
      task.request_id,
      task.session_id,
      task.name,
      task.wave_number,
      task.status,
      task.completed_at,
      durationMs(task),
      task.task_id,
    ],
  )
}

/** Never negative, even if the clock was set back. */
function durationMs({ created_at, completed_at }: Task): number | null {
  return completed_at === null ? null : Math.max(0, Date.parse(completed_at) - Date.parse(created_at))
}
