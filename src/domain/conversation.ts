/** What the agent of an attempt and its tools said, item by item. */
import type { ConversationItem, ConversationItemInput } from '../../shared/src/types/conversation.ts'
import { listItems, saveItem } from '../db/rows/conversation.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { getAttemptPlace } from './attempt-place.ts'
import { newId } from './ids.ts'

export function getConversation(sql: Sql, attemptId: string): Promise<ConversationItem[]> {
  return listItems(sql, attemptId)
}

/** Adds an item; one whose id is there already takes that one's place, whatever its type. */
export async function appendItem(tx: Tx, attemptId: string, given: ConversationItemInput): Promise<ConversationItem> {
  const { boardId, cardId, agent } = await getAttemptPlace(tx.sql, attemptId)
  const { id = newId('itm'), timestamp = tx.now, ...said } = given
  const item: ConversationItem = { id, timestamp, ...said }
  await saveItem(tx.sql, attemptId, item)
  tx.emit('attempt.conversation.appended', { boardId, cardId, agentId: agent, attemptId, item })
  return item
}
