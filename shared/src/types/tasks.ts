/** Tasks and their subtasks. This family is snake_case on the wire. */
import * as z from 'zod'
import { named } from '../names.ts'
import { MAX_TITLE_LENGTH } from '../protocol.ts'
import { subtaskId, taskId } from './ids.ts'
import { anyJson } from './json.ts'
import { externalId, text } from './text.ts'
import { timestamp } from './time.ts'

export const taskStatus = named('TaskStatus', z.enum(['pending', 'running', 'completed', 'failed', 'blocked']))
export type TaskStatus = z.infer<typeof taskStatus>

export const subtaskStatus = named('SubtaskStatus', z.enum([...taskStatus.options, 'paused']))
export type SubtaskStatus = z.infer<typeof subtaskStatus>

export const task = named(
  'Task',
  z.strictObject({
    task_id: taskId,
    request_id: text(1, 200).nullable(),
    session_id: externalId.nullable(),
    name: text(1, MAX_TITLE_LENGTH),
    wave_number: z.int().min(0).max(1_000_000),
    status: taskStatus,
    created_at: timestamp,
    /** When it was completed or failed. */
    completed_at: timestamp.nullable(),
  }),
)
export type Task = z.infer<typeof task>

export const subtask = named(
  'Subtask',
  z.strictObject({
    subtask_id: subtaskId,
    task_id: taskId,
    /** The kind of agent that it is for, which has a channel too; in the form of an agent id. */
    agent_type: externalId.nullable(),
    agent_id: externalId.nullable(),
    description: text(1, 65_536),
    status: subtaskStatus,
    /** Subtasks of the same task. */
    blocked_by: z.array(subtaskId),
    result: anyJson.nullable(),
    created_at: timestamp,
    /** When it was first `running`. */
    started_at: timestamp.nullable(),
    /** When it was completed or failed. */
    completed_at: timestamp.nullable(),
  }),
)
export type Subtask = z.infer<typeof subtask>
