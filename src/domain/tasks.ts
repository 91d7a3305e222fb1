/** Tasks: the parts of a session or a request. Events show on the session that the task belongs to after the change. */
import { isDeepStrictEqual } from 'node:util'
import type { EventType } from '../../shared/src/catalogue.ts'
import type { Task, TaskStatus } from '../../shared/src/types/tasks.ts'
import { Problem } from '../base/errors.ts'
import { findTask, insertTask, saveTask } from '../db/rows/tasks.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { newId } from './ids.ts'
import { statusRules } from './status-rules.ts'

export { listTasks } from '../db/rows/tasks.ts'

type Editable = Omit<Task, 'task_id' | 'created_at' | 'completed_at'>
export type NewTask = Pick<Editable, 'name'> & Partial<Editable>
export type TaskChanges = Partial<Editable>

const FIRST_WAVE = 1

const statuses = statusRules<TaskStatus>('task', ['completed', 'failed'])
const STATUS_EVENTS = {
  pending: 'task.updated',
  running: 'task.updated',
  blocked: 'task.updated',
  completed: 'task.completed',
  failed: 'task.failed',
} as const satisfies Record<TaskStatus, EventType>

/** Creates a task. The session that it names need not exist. */
export async function createTask(tx: Tx, given: NewTask): Promise<Task> {
  const { name, request_id = null, session_id = null, wave_number = FIRST_WAVE, status = 'pending' } = given
  const task: Task = {
    task_id: newId('tsk'),
    request_id,
    session_id,
    name,
    wave_number,
    status,
    created_at: tx.now,
    completed_at: statuses.isFinal(status) ? tx.now : null,
  }
  await insertTask(tx.sql, task)
  tx.emit('task.created', task)
  return task
}

/** Throws `task_not_found`. */
export async function getTask(sql: Sql, id: string): Promise<Task> {
  const task = await findTask(sql, id)
  if (!task) throw new Problem('task_not_found', `There is no task ${id}. GET /tasks lists them.`)
  return task
}

/** Changes the given fields. Emits nothing when nothing changes. Throws `task_not_found` or `invalid_transition`. */
export async function updateTask(tx: Tx, id: string, changes: TaskChanges): Promise<Task> {
  const task = await getTask(tx.sql, id)
  const { status } = changes
  const isOtherStatus = status !== undefined && statuses.checkChange(task.status, status)
  const next: Task = { ...task, ...changes }
  if (isDeepStrictEqual(next, task)) return task
  if (isOtherStatus && statuses.isFinal(status)) next.completed_at = tx.now
  await saveTask(tx.sql, next)
  tx.emit(isOtherStatus ? STATUS_EVENTS[status] : 'task.updated', next)
  return next
}
