import * as z from 'zod'
import { type SubtaskStatus, subtask, type TaskStatus, task } from '../types/tasks.ts'
import { event } from './define.ts'
import { exampleIds, exampleTime } from './examples.ts'

/** The payload holds every id, so `global` has nothing to add. */
const nothing = z.strictObject({})

export const taskEvents = {
  'task.created': taskEvent('task.created', 'A task was created.', 'pending'),
  'task.updated': taskEvent('task.updated', 'A task changed.', 'running'),
  'task.completed': taskEvent('task.completed', 'A task was completed.', 'completed'),
  'task.failed': taskEvent('task.failed', 'A task failed.', 'failed'),
  'subtask.created': subtaskEvent('subtask.created', 'A subtask was created.', 'pending'),
  'subtask.updated': subtaskEvent('subtask.updated', 'A subtask changed.', 'running'),
  'subtask.completed': subtaskEvent('subtask.completed', 'A subtask was completed.', 'completed'),
  'subtask.failed': subtaskEvent('subtask.failed', 'A subtask failed.', 'failed'),
}

function taskEvent(name: string, summary: string, status: TaskStatus) {
  return event({
    summary,
    about: nothing,
    shows: task,
    example: {
      task_id: exampleIds.task,
      request_id: null,
      session_id: exampleIds.session,
      name: 'Resume streams by id',
      wave_number: 1,
      status,
      created_at: exampleTime,
      completed_at: hasEnded(status) ? exampleTime : null,
    },
    to: [{ channel: 'session', by: 'session_id', event: name }],
  })
}

function subtaskEvent(name: string, summary: string, status: SubtaskStatus) {
  return event({
    summary,
    about: nothing,
    shows: subtask,
    example: {
      subtask_id: exampleIds.subtask,
      task_id: exampleIds.task,
      agent_type: 'coder',
      agent_id: exampleIds.agent,
      description: 'Write the test first.',
      status,
      blocked_by: [],
      result: status === 'completed' ? { tests: 12 } : null,
      created_at: exampleTime,
      started_at: status === 'pending' ? null : exampleTime,
      completed_at: hasEnded(status) ? exampleTime : null,
    },
    to: [
      { channel: 'agent', by: 'agent_id', event: name },
      { channel: 'agent', by: 'agent_type', event: name, when: { differ: ['agent_type', 'agent_id'] } },
    ],
  })
}

function hasEnded(status: SubtaskStatus): boolean {
  return status === 'completed' || status === 'failed'
}
