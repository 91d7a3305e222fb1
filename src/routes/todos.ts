import * as z from 'zod'
import { todoItem } from '../../shared/src/types/kanban.ts'
import { replaceTodos } from '../domain/todos.ts'
import type { Api } from './api.ts'
import { boardOrAttempt } from './things.ts'

const todoList = z.strictObject({
  items: z.array(todoItem.extend({ id: todoItem.shape.id.optional() })),
})

/** `GET /attempts/:id` shows the list (attempts.ts). */
export function registerTodos(api: Api): void {
  api.mutate(
    'put',
    '/attempts/:id/todos',
    { status: 200, right: boardOrAttempt, body: todoList },
    (tx, { params, body }) => replaceTodos(tx, params.id, body.items),
  )
}
