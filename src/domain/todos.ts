/** The todo list of an attempt. Clients always replace the whole list. */
import type { Todos } from '../../shared/src/types/kanban.ts'
import { invalidField } from '../base/errors.ts'
import { findTodos, saveTodos } from '../db/rows/todos.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { getAttempt } from './attempts.ts'
import { newId } from './ids.ts'

type TodoItem = Todos['items'][number]

/** An item without an `id` keeps the id of the earlier item with the same text, or gets a new one. */
export type TodoInput = Omit<TodoItem, 'id'> & { readonly id?: string | undefined }

/** An empty list until one was set. */
export async function getTodos(sql: Sql, attemptId: string): Promise<Todos> {
  return (await findTodos(sql, attemptId)) ?? withTotals([])
}

/** Emits nothing when nothing changes. Throws `attempt_not_found`, or `validation_failed` for a repeated id. */
export async function replaceTodos(tx: Tx, attemptId: string, given: readonly TodoInput[]): Promise<Todos> {
  const attempt = await getAttempt(tx.sql, attemptId)
  const before = await getTodos(tx.sql, attemptId)
  const todos = withTotals(withIds(given, before.items))
  if (JSON.stringify(todos) === JSON.stringify(before)) return before
  await saveTodos(tx.sql, attemptId, todos, tx.now)
  tx.emit('attempt.todos.updated', {
    boardId: attempt.boardId,
    cardId: attempt.cardId,
    agentId: attempt.agent,
    attemptId,
    todos,
  })
  return todos
}

function withIds(given: readonly TodoInput[], before: readonly TodoItem[]): TodoItem[] {
  const taken = new Set<string>()
  for (const [index, { id }] of given.entries()) {
    if (id === undefined) continue
    if (taken.has(id)) throw invalidField(`items.${index}.id`, 'repeats the id of an earlier item; ids must differ')
    taken.add(id)
  }
  const idsByText = new Map<string, string[]>()
  for (const { id, text } of before) {
    if (taken.has(id)) continue
    const ids = idsByText.get(text)
    if (ids) ids.push(id)
    else idsByText.set(text, [id])
  }
  for (const ids of idsByText.values()) ids.reverse()
  return given.map(({ id, text, status }) => ({ id: id ?? idsByText.get(text)?.pop() ?? newId('itm'), text, status }))
}

function withTotals(items: TodoItem[]): Todos {
  return { total: items.length, completed: items.filter(({ status }) => status === 'done').length, items }
}
