/** The todo list of an attempt, a column of its row. */
import type { Todos } from '../../../shared/src/types/kanban.ts'
import type { Sql } from '../sql.ts'

/** null until a list was set. */
export async function findTodos(sql: Sql, attemptId: string): Promise<Todos | null> {
  const row = await sql.get<{ todos: string | null }>('SELECT todos FROM attempts WHERE id = ?', [attemptId])
  return row?.todos ? JSON.parse(row.todos) : null
}

export async function saveTodos(sql: Sql, attemptId: string, todos: Todos, now: string): Promise<void> {
  await sql.run('UPDATE attempts SET todos = ?, updated_at = ? WHERE id = ?', [JSON.stringify(todos), now, attemptId])
}
