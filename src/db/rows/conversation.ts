/** Rows of conversation items. `position` is their insertion order. */
import type { ConversationItem } from '../../../shared/src/types/conversation.ts'
import type { Sql } from '../sql.ts'

/** In insertion order; a replaced item keeps its place. */
export async function listItems(sql: Sql, attemptId: string): Promise<ConversationItem[]> {
  const rows = await sql.all<{ item: string }>(
    'SELECT item FROM conversation_items WHERE attempt_id = ? ORDER BY position',
    [attemptId],
  )
  return rows.map(({ item }) => JSON.parse(item))
}

/** Appends the item, or replaces the item with the same id. */
export async function saveItem(sql: Sql, attemptId: string, item: ConversationItem): Promise<void> {
  await sql.run(
    `INSERT INTO conversation_items (attempt_id, item_id, position, item)
     VALUES (?, ?, coalesce((SELECT position FROM conversation_items WHERE attempt_id = ? ORDER BY position DESC LIMIT 1), 0) + 1, ?)
     ON CONFLICT (attempt_id, item_id) DO UPDATE SET item = excluded.item`,
    [attemptId, item.id, attemptId, JSON.stringify(item)],
  )
}
