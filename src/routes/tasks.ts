import * as z from 'zod'
import { task } from '../../shared/src/types/tasks.ts'
import { createTask, getTask, listTasks, updateTask } from '../domain/tasks.ts'
import type { Api } from './api.ts'
import { pageLimit } from './paging.ts'
import { ANY_SUBJECT } from './rights.ts'
import { sessionOfTask, sessionOr } from './things.ts'

const editable = task.pick({ request_id: true, session_id: true, name: true, wave_number: true, status: true })
const changes = editable.partial()
const creation = changes.extend({ name: task.shape.name })
const filter = z.object({
  status: task.shape.status.optional(),
  session_id: z.string().optional(),
  limit: pageLimit,
})

export function registerTasks(api: Api): void {
  api.mutate(
    'post',
    '/tasks',
    {
      status: 201,
      right: { by: 'body', needs: ({ session_id }) => [[sessionOr('global', session_id)]] },
      body: creation,
    },
    (tx, { body }) => createTask(tx, body),
  )
  api.get('/tasks', { right: ANY_SUBJECT, query: filter }, async ({ sql, query, subject }) => ({
    tasks: await listTasks(sql, query, query.limit, subject.subscribe),
  }))
  api.get('/tasks/:id', { right: sessionOfTask }, ({ sql, params }) => getTask(sql, params.id))
  api.mutate(
    'patch',
    '/tasks/:id',
    {
      status: 200,
      right: {
        ...sessionOfTask,
        // Where it goes: its events show there from now on.
        needs: ({ session_id }: z.infer<typeof changes>) =>
          session_id === undefined ? [] : [[sessionOr('global', session_id)]],
      },
      body: changes,
    },
    (tx, { params, body }) => updateTask(tx, params.id, body),
  )
}
