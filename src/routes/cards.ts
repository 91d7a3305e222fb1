import { exampleCard, exampleIds } from '../../shared/src/catalogue/examples.ts'
import { cardDeletion, cardEdit, cardMove, newCard } from '../../shared/src/inputs/boards.ts'
import { card } from '../../shared/src/types/kanban.ts'
import { createCard, deleteCard, getCard, moveCard, updateCard } from '../domain/cards.ts'
import type { Api } from './api.ts'
import { channelOf, knowledgeOf } from './rights.ts'
import { boardOrIssueOfCard } from './things.ts'

export function registerCards(api: Api): void {
  api.mutate(
    'post',
    '/boards/:boardId/cards',
    {
      operationId: 'createCard',
      tag: 'Cards',
      summary: 'Adds a card to a board, at the end of its first column unless told otherwise.',
      status: 201,
      right: channelOf('board', 'boardId'),
      body: newCard,
      answer: card,
      example: {
        body: { title: exampleCard.title, ticketType: 'feat', priority: 'high', labels: ['streams'] },
        answer: exampleCard,
      },
      errors: ['board_not_found', 'blocked_by_dependencies'],
      emits: ['card.created', 'card.assigned'],
    },
    (tx, { params, body }) => createCard(tx, params.boardId, body),
  )
  api.get(
    '/cards/:cardId',
    {
      operationId: 'getCard',
      tag: 'Cards',
      summary: 'Reads a card.',
      right: boardOrIssueOfCard,
      answer: card,
      example: { answer: exampleCard },
      errors: ['card_not_found'],
    },
    ({ sql, params }) => getCard(sql, params.cardId),
  )
  api.mutate(
    'patch',
    '/cards/:cardId',
    {
      operationId: 'updateCard',
      tag: 'Cards',
      summary: 'Changes fields of a card.',
      status: 200,
      right: boardOrIssueOfCard,
      body: cardEdit,
      answer: card,
      example: {
        body: { assignedAgentId: exampleIds.agent, ifRevision: 1 },
        answer: { ...exampleCard, assignedAgentId: exampleIds.agent, revision: 2 },
      },
      errors: ['card_not_found', 'stale_revision', 'invalid_transition', 'dependency_cycle'],
      emits: ['card.updated', 'card.stage.changed', 'card.assigned'],
    },
    (tx, { params, body, subject }) => updateCard(tx, params.cardId, body, knowledgeOf(subject)),
  )
  api.mutate(
    'delete',
    '/cards/:cardId',
    {
      operationId: 'deleteCard',
      tag: 'Cards',
      summary: 'Deletes a card, after removing it from the dependencies of others.',
      status: 204,
      right: boardOrIssueOfCard,
      query: cardDeletion,
      example: {},
      errors: ['card_not_found', 'stale_revision'],
      emits: ['card.updated', 'card.deleted'],
    },
    async (tx, { params, query }) => {
      await deleteCard(tx, params.cardId, query.ifRevision)
      return undefined
    },
  )
  api.mutate(
    'post',
    '/cards/:cardId/move',
    {
      operationId: 'moveCard',
      tag: 'Cards',
      summary: 'Moves a card to a column, or within its column.',
      status: 200,
      right: boardOrIssueOfCard,
      body: cardMove,
      answer: card,
      example: {
        body: { columnKey: 'qa', index: 0 },
        answer: { ...exampleCard, columnId: exampleIds.nextColumn, revision: 2 },
      },
      errors: ['card_not_found', 'stale_revision', 'blocked_by_dependencies'],
      emits: ['card.moved'],
    },
    (tx, { params, body }) => moveCard(tx, params.cardId, body),
  )
}
