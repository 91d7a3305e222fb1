/** The conversation of an attempt: messages, thoughts and tool calls, item by item. */
import type { ConversationItem, ConversationItemInput } from '../../shared/src/types/conversation.ts'
import { listItems, saveItem } from '../db/rows/conversation.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { getAttemptRefs } from './attempts.ts'
import { newId } from './ids.ts'

/** The items in the order in which they were first added. */
export function getConversation(sql: Sql, attemptId: string): Promise<ConversationItem[]> {
  return listItems(sql, attemptId)
}

/** Appends an item, or replaces the item with the same id, whatever its type. Throws `attempt_not_found`. */
export async function appendItem(tx: Tx, attemptId: string, given: ConversationItemInput): Promise<ConversationItem> {
  const { boardId, cardId, agent } = await getAttemptRefs(tx, attemptId)
  const { id = newId('itm'), timestamp = tx.now, ...content } = given
  const item: ConversationItem = { id, timestamp, ...content }
  await saveItem(tx.sql, attemptId, item)
  tx.emit('attempt.conversation.appended', { boardId, cardId, agentId: agent, attemptId, item })
  return item
}
