/** Rows of tasks. `position` is their insertion order. */
import type { Task, TaskStatus } from '../../../shared/src/types/tasks.ts'
import { ChannelPatterns } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { anyOf, clause, equals, within } from './visible.ts'

export interface TaskFilter {
  readonly status?: TaskStatus | undefined
  readonly session_id?: string | undefined
}

const FIELDS = 'task_id, request_id, session_id, name, wave_number, status, created_at, completed_at'

export async function findTask(sql: Sql, id: string): Promise<Task | undefined> {
  return sql.get<Task>(`SELECT ${FIELDS} FROM tasks WHERE task_id = ?`, [id])
}

/** At most `limit` tasks, newest first. `sees` matches the session of each, or `global` without one. */
export async function listTasks(
  sql: Sql,
  { status, session_id }: TaskFilter,
  limit: number,
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<Task[]> {
  const session = within('session_id', sees.idsOf('session')) ?? { text: 'session_id IS NOT NULL', params: [] }
  const seen = sees.matches('global') ? anyOf(session, { text: 'session_id IS NULL', params: [] }) : session
  const { text, params } = clause(
    'WHERE',
    equals('status', status),
    equals('session_id', session_id),
    sees.isAll ? null : seen,
  )
  return sql.all<Task>(`SELECT ${FIELDS} FROM tasks ${text} ORDER BY position DESC LIMIT ?`, [...params, limit])
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
