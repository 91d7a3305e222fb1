import * as z from 'zod'
import { named } from '../../shared/src/names.ts'
import { type Todos, todoItem, todos } from '../../shared/src/types/kanban.ts'
import { replaceTodos } from '../domain/todos.ts'
import type { Api } from './api.ts'
import { boardOrAttempt } from './things.ts'

const todoList = named(
  'NewTodos',
  z.strictObject({
    items: z.array(todoItem.extend({ id: todoItem.shape.id.optional() })),
  }),
)

export const exampleTodos: Todos = {
  total: 2,
  completed: 1,
  items: [
    { id: 't1', text: 'Write the test', status: 'done' },
    { id: 't2', text: 'Make it pass', status: 'open' },
  ],
}

/** `GET /attempts/:attemptId` shows the list (attempts.ts). */
export function registerTodos(api: Api): void {
  api.mutate(
    'put',
    '/attempts/:attemptId/todos',
    {
      operationId: 'replaceTodos',
      tag: 'Attempts',
      summary: 'Replaces the todo list of an attempt.',
      status: 200,
      right: boardOrAttempt,
      body: todoList,
      answer: todos,
      example: { body: { items: exampleTodos.items }, answer: exampleTodos },
      errors: ['attempt_not_found'],
      emits: ['attempt.todos.updated'],
    },
    (tx, { params, body }) => replaceTodos(tx, params.attemptId, body.items),
  )
}
