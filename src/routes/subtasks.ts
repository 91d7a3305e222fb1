import * as z from 'zod'
import { postedJson } from '../../shared/src/types/json.ts'
import { type Subtask, subtask } from '../../shared/src/types/tasks.ts'
import { createSubtask, getSubtask, listSubtasks, updateSubtask } from '../domain/subtasks.ts'
import type { Api } from './api.ts'
import { pageLimit } from './paging.ts'
import { knowledgeOf } from './rights.ts'
import { agentOrSessionOfSubtask, sessionOfTask } from './things.ts'

const MAX_BLOCKERS = 1_000

const { agent_type, agent_id, description, status, blocked_by } = subtask.shape

const changes = z
  .strictObject({
    agent_type,
    agent_id,
    description,
    status,
    blocked_by: blocked_by.max(MAX_BLOCKERS),
    result: postedJson.transform((value) => value as Subtask['result']),
  })
  .partial()
const creation = changes.extend({ description })

export function registerSubtasks(api: Api): void {
  api.mutate(
    'post',
    '/tasks/:id/subtasks',
    { status: 201, right: sessionOfTask, body: creation },
    (tx, { params, body }) => createSubtask(tx, params.id, body),
  )
  api.get(
    '/tasks/:id/subtasks',
    { right: sessionOfTask, query: z.object({ limit: pageLimit }) },
    async ({ sql, params, query }) => ({
      subtasks: await listSubtasks(sql, params.id, query.limit),
    }),
  )
  api.get('/subtasks/:id', { right: agentOrSessionOfSubtask }, ({ sql, params }) => getSubtask(sql, params.id))
  api.mutate(
    'patch',
    '/subtasks/:id',
    { status: 200, right: agentOrSessionOfSubtask, body: changes },
    (tx, { params, body, subject }) => updateSubtask(tx, params.id, body, knowledgeOf(subject)),
  )
}
