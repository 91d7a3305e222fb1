import { cardDeletion, cardEdit, cardMove, newCard } from '../../shared/src/inputs/boards.ts'
import { createCard, deleteCard, getCard, moveCard, updateCard } from '../domain/cards.ts'
import type { Api } from './api.ts'
import { channelOf, knowledgeOf } from './rights.ts'
import { boardOrIssueOfCard } from './things.ts'

export function registerCards(api: Api): void {
  api.mutate(
    'post',
    '/boards/:id/cards',
    { status: 201, right: channelOf('board'), body: newCard },
    (tx, { params, body }) => createCard(tx, params.id, body),
  )
  api.get('/cards/:id', { right: boardOrIssueOfCard }, ({ sql, params }) => getCard(sql, params.id))
  api.mutate(
    'patch',
    '/cards/:id',
    { status: 200, right: boardOrIssueOfCard, body: cardEdit },
    (tx, { params, body, subject }) => updateCard(tx, params.id, body, knowledgeOf(subject)),
  )
  api.mutate(
    'delete',
    '/cards/:id',
    { status: 204, right: boardOrIssueOfCard, query: cardDeletion },
    async (tx, { params, query }) => {
      await deleteCard(tx, params.id, query.ifRevision)
      return undefined
    },
  )
  api.mutate(
    'post',
    '/cards/:id/move',
    { status: 200, right: boardOrIssueOfCard, body: cardMove },
    (tx, { params, body }) => moveCard(tx, params.id, body),
  )
}
