import { exampleTime } from '../../shared/src/catalogue/examples.ts'
import { type ConversationItem, conversationItem, conversationItemInput } from '../../shared/src/types/conversation.ts'
import { appendItem } from '../domain/conversation.ts'
import type { Api } from './api.ts'
import { boardOrAttempt } from './things.ts'

const said = { type: 'message', role: 'assistant', text: 'I will read the tests first.' } as const
export const exampleItem: ConversationItem = { id: 'i1', timestamp: exampleTime, ...said }

export function registerConversation(api: Api): void {
  api.mutate(
    'post',
    '/attempts/:attemptId/conversation',
    {
      operationId: 'appendConversationItem',
      tag: 'Attempts',
      summary: 'Adds an item to the conversation of an attempt, or replaces the item with the same id.',
      status: 201,
      right: boardOrAttempt,
      body: conversationItemInput,
      answer: conversationItem,
      example: { body: { id: 'i1', ...said }, answer: exampleItem },
      errors: ['attempt_not_found'],
      emits: ['attempt.conversation.appended'],
    },
    (tx, { params, body }) => appendItem(tx, params.attemptId, body),
  )
}
