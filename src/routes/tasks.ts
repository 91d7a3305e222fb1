import * as z from 'zod'
import { task } from '../../shared/src/types/tasks.ts'
import { createTask, getTask, listTasks, updateTask } from '../domain/tasks.ts'
import type { Api } from './api.ts'
import { pageLimit } from './paging.ts'

const editable = task.pick({ request_id: true, session_id: true, name: true, wave_number: true, status: true })
const changes = editable.partial()
const creation = changes.extend({ name: task.shape.name })
const filter = z.object({
  status: task.shape.status.optional(),
  session_id: z.string().optional(),
  limit: pageLimit,
})

export function registerTasks(api: Api): void {
  api.mutate('post', '/tasks', { status: 201, body: creation }, (tx, { body }) => createTask(tx, body))
  api.get('/tasks', { query: filter }, async ({ sql, query }) => ({ tasks: await listTasks(sql, query, query.limit) }))
  api.get('/tasks/:id', {}, ({ sql, params }) => getTask(sql, params.id))
  api.mutate('patch', '/tasks/:id', { status: 200, body: changes }, (tx, { params, body }) =>
    updateTask(tx, params.id, body),
  )
}
