/** What an attempt has to do, replaced as a whole. */
import type { Todos } from '../../shared/src/types/kanban.ts'
import { invalidField } from '../base/errors.ts'
import { findTodos, saveTodos } from '../db/rows/todos.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { getAttempt } from './attempts.ts'
import { newId } from './ids.ts'

type TodoItem = Todos['items'][number]

/** An item whose `id` is not given keeps that of the item with the same text before, or gets a new one. */
export type TodoInput = Omit<TodoItem, 'id'> & { readonly id?: string | undefined }

/** An empty list when none was ever given. */
export async function getTodos(sql: Sql, attemptId: string): Promise<Todos> {
  return (await findTodos(sql, attemptId)) ?? summed([])
}

export async function replaceTodos(tx: Tx, attemptId: string, given: readonly TodoInput[]): Promise<Todos> {
  const attempt = await getAttempt(tx.sql, attemptId)
  const before = await getTodos(tx.sql, attemptId)
  const todos = summed(identified(given, before.items))
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

function identified(given: readonly TodoInput[], before: readonly TodoItem[]): TodoItem[] {
  const taken = new Set<string>()
  for (const [index, { id }] of given.entries()) {
    if (id === undefined) continue
    if (taken.has(id)) throw invalidField(`items.${index}.id`, 'is the id of an earlier item too; ids must differ')
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

function summed(items: TodoItem[]): Todos {
  return { total: items.length, completed: items.filter(({ status }) => status === 'done').length, items }
}
