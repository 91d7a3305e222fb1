import { cardDeletion, cardEdit, cardMove, newCard } from '../../shared/src/inputs/boards.ts'
import { createCard, deleteCard, getCard, moveCard, updateCard } from '../domain/cards.ts'
import type { Api } from './api.ts'

export function registerCards(api: Api): void {
  api.mutate('post', '/boards/:id/cards', { status: 201, body: newCard }, (tx, { params, body }) =>
    createCard(tx, params.id, body),
  )
  api.get('/cards/:id', {}, ({ sql, params }) => getCard(sql, params.id))
  api.mutate('patch', '/cards/:id', { status: 200, body: cardEdit }, (tx, { params, body }) =>
    updateCard(tx, params.id, body),
  )
  api.mutate('delete', '/cards/:id', { status: 204, query: cardDeletion }, async (tx, { params, query }) => {
    await deleteCard(tx, params.id, query.ifRevision)
    return undefined
  })
  api.mutate('post', '/cards/:id/move', { status: 200, body: cardMove }, (tx, { params, body }) =>
    moveCard(tx, params.id, body),
  )
}
