import * as z from 'zod'
import { exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { named } from '../../shared/src/names.ts'
import { task } from '../../shared/src/types/tasks.ts'
import { createTask, getTask, listTasks, updateTask } from '../domain/tasks.ts'
import type { Api } from './api.ts'
import { exampleTask } from './examples.ts'
import { pageLimit } from './paging.ts'
import { ANY_SUBJECT } from './rights.ts'
import { sessionOfTask, sessionOr } from './things.ts'

const editable = task.pick({ request_id: true, session_id: true, name: true, wave_number: true, status: true })
const taskEdit = named('TaskEdit', editable.partial())
const newTask = named('NewTask', taskEdit.extend({ name: task.shape.name }))
const filter = z.object({
  status: task.shape.status.optional().meta({ description: 'Only those with this status.', examples: ['running'] }),
  session_id: z
    .string()
    .optional()
    .meta({ description: 'Only those of this session.', examples: [exampleIds.session] }),
  limit: pageLimit,
})
const taskList = named('TaskList', z.strictObject({ tasks: z.array(task) }))

export function registerTasks(api: Api): void {
  api.mutate(
    'post',
    '/tasks',
    {
      operationId: 'createTask',
      tag: 'Tasks',
      summary: 'Creates a task.',
      status: 201,
      right: {
        by: 'body',
        to: '`session:ID` of the session; without one `global`',
        needs: ({ session_id }) => [[sessionOr('global', session_id)]],
      },
      body: newTask,
      answer: task,
      example: {
        body: { name: exampleTask.name, session_id: exampleIds.session, status: 'running' },
        answer: exampleTask,
      },
      errors: [],
      emits: ['task.created'],
    },
    (tx, { body }) => createTask(tx, body),
  )
  api.get(
    '/tasks',
    {
      operationId: 'listTasks',
      tag: 'Tasks',
      summary: 'Lists the tasks.',
      right: ANY_SUBJECT,
      query: filter,
      answer: taskList,
      example: { answer: { tasks: [exampleTask] } },
      errors: [],
    },
    async ({ sql, query, subject }) => ({
      tasks: await listTasks(sql, query, query.limit, subject.subscribe),
    }),
  )
  api.get(
    '/tasks/:taskId',
    {
      operationId: 'getTask',
      tag: 'Tasks',
      summary: 'Reads a task.',
      right: sessionOfTask,
      answer: task,
      example: { answer: exampleTask },
      errors: ['task_not_found'],
    },
    ({ sql, params }) => getTask(sql, params.taskId),
  )
  api.mutate(
    'patch',
    '/tasks/:taskId',
    {
      operationId: 'updateTask',
      tag: 'Tasks',
      summary: 'Changes fields of a task.',
      status: 200,
      right: {
        ...sessionOfTask,
        to: `${sessionOfTask.to}; and to the session that it goes to`,
        // Where it goes: its events show there from now on.
        needs: ({ session_id }: z.infer<typeof taskEdit>) =>
          session_id === undefined ? [] : [[sessionOr('global', session_id)]],
      },
      body: taskEdit,
      answer: task,
      example: {
        body: { status: 'completed' },
        answer: { ...exampleTask, status: 'completed', completed_at: exampleTime },
      },
      errors: ['task_not_found', 'invalid_transition'],
      emits: ['task.updated', 'task.completed', 'task.failed'],
    },
    (tx, { params, body }) => updateTask(tx, params.taskId, body),
  )
}
