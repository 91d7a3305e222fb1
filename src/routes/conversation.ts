import { conversationItemInput } from '../../shared/src/types/conversation.ts'
import { appendItem } from '../domain/conversation.ts'
import type { Api } from './api.ts'
import { boardOrAttempt } from './things.ts'

export function registerConversation(api: Api): void {
  api.mutate(
    'post',
    '/attempts/:id/conversation',
    { status: 201, right: boardOrAttempt, body: conversationItemInput },
    (tx, { params, body }) => appendItem(tx, params.id, body),
  )
}
