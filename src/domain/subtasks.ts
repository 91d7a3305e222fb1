/** Subtasks: the parts of a task that agents work on. `blocked_by` is stored and shown, but not enforced. */
import { isDeepStrictEqual } from 'node:util'
import type { EventType } from '../../shared/src/catalogue.ts'
import { channelName } from '../../shared/src/channels.ts'
import type { Subtask, SubtaskStatus } from '../../shared/src/types/tasks.ts'
import { invalidField, Problem } from '../base/errors.ts'
import * as rows from '../db/rows/subtasks.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { newId } from './ids.ts'
import { KNOWS_ALL, type Knows } from './knows.ts'
import { statusRules } from './status-rules.ts'
import { getTask } from './tasks.ts'

type Editable = Omit<Subtask, 'subtask_id' | 'task_id' | 'created_at' | 'started_at' | 'completed_at'>
export type NewSubtask = Pick<Editable, 'description'> & Partial<Editable>
export type SubtaskChanges = Partial<Editable>

const statuses = statusRules<SubtaskStatus>('subtask', ['completed', 'failed'])
const STATUS_EVENTS = {
  pending: 'subtask.updated',
  running: 'subtask.updated',
  blocked: 'subtask.updated',
  paused: 'subtask.updated',
  completed: 'subtask.completed',
  failed: 'subtask.failed',
} as const satisfies Record<SubtaskStatus, EventType>

/**
 * Throws `task_not_found`, or `validation_failed` for a blocker that is not a subtask of the same task. The agent need not
 * be registered.
 */
export async function createSubtask(tx: Tx, taskId: string, given: NewSubtask): Promise<Subtask> {
  await getTask(tx.sql, taskId)
  const { description, agent_type = null, agent_id = null, status = 'pending', blocked_by = [], result = null } = given
  const id = newId('sub')
  const subtask: Subtask = {
    subtask_id: id,
    task_id: taskId,
    agent_type,
    agent_id,
    description,
    status,
    blocked_by: await checkedBlockers(tx.sql, { id, taskId, blocked_by }),
    result,
    created_at: tx.now,
    started_at: status === 'running' ? tx.now : null,
    completed_at: statuses.isFinal(status) ? tx.now : null,
  }
  await rows.insertSubtask(tx.sql, subtask)
  tx.emit('subtask.created', subtask)
  return subtask
}

/** Throws `subtask_not_found`. */
export async function getSubtask(sql: Sql, id: string): Promise<Subtask> {
  const subtask = await rows.findSubtask(sql, id)
  if (!subtask) {
    throw new Problem('subtask_not_found', `There is no subtask ${id}. GET /tasks/:id/subtasks lists those of a task.`)
  }
  return subtask
}

/** At most `limit` subtasks, oldest first. Throws `task_not_found`. */
export async function listSubtasks(sql: Sql, taskId: string, limit: number): Promise<Subtask[]> {
  await getTask(sql, taskId)
  return rows.listSubtasks(sql, taskId, limit)
}

/**
 * Changes the given fields. Emits nothing when nothing changes. Throws `subtask_not_found`, `invalid_transition`, or
 * `validation_failed` for a blocker.
 */
export async function updateSubtask(
  tx: Tx,
  id: string,
  changes: SubtaskChanges,
  knows: Knows = KNOWS_ALL,
): Promise<Subtask> {
  const subtask = await getSubtask(tx.sql, id)
  const { status } = changes
  const isOtherStatus = status !== undefined && statuses.checkChange(subtask.status, status)
  const next: Subtask = { ...subtask, ...changes }
  if (changes.blocked_by) {
    const task = await getTask(tx.sql, subtask.task_id)
    const knowsTask = knows(task.session_id === null ? 'global' : channelName('session', task.session_id))
    next.blocked_by = await checkedBlockers(
      tx.sql,
      { id, taskId: subtask.task_id, blocked_by: changes.blocked_by },
      (other) => knowsTask || subtask.blocked_by.includes(other.subtask_id) || channelsOfAgents(other).some(knows),
    )
  }
  if (isDeepStrictEqual(next, subtask)) return subtask
  if (status === 'running') next.started_at ??= tx.now
  if (isOtherStatus && statuses.isFinal(status)) next.completed_at = tx.now
  await rows.saveSubtask(tx.sql, next)
  tx.emit(isOtherStatus ? STATUS_EVENTS[status] : 'subtask.updated', next)
  return next
}

/** The channels of the agents that a subtask is for. */
export function channelsOfAgents({ agent_id, agent_type }: Pick<Subtask, 'agent_id' | 'agent_type'>): string[] {
  return [agent_id, agent_type].flatMap((id) => (id ? [channelName('agent', id)] : []))
}

/**
 * Drops duplicates and the subtask itself. Throws `validation_failed` for an id that is not a subtask of the same task, or
 * that `isKnown` says must not be known to be one.
 */
async function checkedBlockers(
  sql: Sql,
  { id, taskId, blocked_by }: { id: string; taskId: string; blocked_by: readonly string[] },
  isKnown: (subtask: Subtask) => boolean = () => true,
): Promise<string[]> {
  const blockers = new Set(blocked_by)
  blockers.delete(id)
  for (const blocker of blockers) {
    const found = await rows.findSubtask(sql, blocker)
    if (found?.task_id === taskId && isKnown(found)) continue
    throw invalidField(`blocked_by.${blocked_by.indexOf(blocker)}`, 'is not the id of a subtask of the same task')
  }
  return [...blockers]
}
