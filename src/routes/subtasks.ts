import * as z from 'zod'
import { exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { named } from '../../shared/src/names.ts'
import { postedJson } from '../../shared/src/types/json.ts'
import { type Subtask, subtask } from '../../shared/src/types/tasks.ts'
import { createSubtask, getSubtask, listSubtasks, updateSubtask } from '../domain/subtasks.ts'
import type { Api } from './api.ts'
import { exampleSubtask } from './examples.ts'
import { pageLimit } from './paging.ts'
import { knowledgeOf } from './rights.ts'
import { agentOrSessionOfSubtask, sessionOfTask } from './things.ts'

const MAX_BLOCKERS = 1_000

const { agent_type, agent_id, description, status, blocked_by } = subtask.shape

const subtaskEdit = named(
  'SubtaskEdit',
  z
    .strictObject({
      agent_type,
      agent_id,
      description,
      status,
      blocked_by: blocked_by.max(MAX_BLOCKERS),
      result: postedJson.transform((value) => value as Subtask['result']),
    })
    .partial(),
)
const newSubtask = named('NewSubtask', subtaskEdit.extend({ description }))
const subtaskList = named('SubtaskList', z.strictObject({ subtasks: z.array(subtask) }))

export function registerSubtasks(api: Api): void {
  api.mutate(
    'post',
    '/tasks/:taskId/subtasks',
    {
      operationId: 'createSubtask',
      tag: 'Tasks',
      summary: 'Adds a subtask to a task.',
      status: 201,
      right: sessionOfTask,
      body: newSubtask,
      answer: subtask,
      example: {
        body: {
          description: exampleSubtask.description,
          agent_type: 'coder',
          agent_id: exampleIds.agent,
          status: 'running',
        },
        answer: exampleSubtask,
      },
      errors: ['task_not_found'],
      emits: ['subtask.created'],
    },
    (tx, { params, body }) => createSubtask(tx, params.taskId, body),
  )
  api.get(
    '/tasks/:taskId/subtasks',
    {
      operationId: 'listSubtasks',
      tag: 'Tasks',
      summary: 'Lists the subtasks of a task, oldest first.',
      right: sessionOfTask,
      query: z.object({ limit: pageLimit }),
      answer: subtaskList,
      example: { answer: { subtasks: [exampleSubtask] } },
      errors: ['task_not_found'],
    },
    async ({ sql, params, query }) => ({
      subtasks: await listSubtasks(sql, params.taskId, query.limit),
    }),
  )
  api.get(
    '/subtasks/:subtaskId',
    {
      operationId: 'getSubtask',
      tag: 'Tasks',
      summary: 'Reads a subtask.',
      right: agentOrSessionOfSubtask,
      answer: subtask,
      example: { answer: exampleSubtask },
      errors: ['subtask_not_found'],
    },
    ({ sql, params }) => getSubtask(sql, params.subtaskId),
  )
  api.mutate(
    'patch',
    '/subtasks/:subtaskId',
    {
      operationId: 'updateSubtask',
      tag: 'Tasks',
      summary: 'Changes fields of a subtask.',
      status: 200,
      right: agentOrSessionOfSubtask,
      body: subtaskEdit,
      answer: subtask,
      example: {
        body: { status: 'completed', result: { tests: 12 } },
        answer: { ...exampleSubtask, status: 'completed', result: { tests: 12 }, completed_at: exampleTime },
      },
      errors: ['subtask_not_found', 'invalid_transition'],
      emits: ['subtask.updated', 'subtask.completed', 'subtask.failed'],
    },
    (tx, { params, body, subject }) => updateSubtask(tx, params.subtaskId, body, knowledgeOf(subject)),
  )
}
