/** What must not compile, if the types of openapi-typescript are what they seem. */
import createClient from 'openapi-fetch'
import type { Card, NewCard, paths, StreamFrame } from './boardcast.js'

const api = createClient<paths>({ baseUrl: '' })

// @ts-expect-error: no such field
export const misspelt: NewCard = { titel: 'Try the client' }
// @ts-expect-error: none of the priorities
export const urgent: NewCard = { title: 'Try the client', priority: 'urgent' }
// @ts-expect-error: no such address
export const nowhere = api.GET('/api/v1/bords')
// @ts-expect-error: the id of the board is missing
export const homeless = api.POST('/api/v1/boards/{boardId}/cards', { body: { title: 'Try the client' } })

export function read(card: Card, frame: StreamFrame): unknown[] {
  // @ts-expect-error: no such field
  const name: unknown = card.name
  // @ts-expect-error: not the data of that event
  const lines: unknown = frame.event === 'card_moved' && 'cardId' in frame.data && frame.data.message
  return [name, lines]
}

export async function refused(): Promise<boolean> {
  const { error } = await api.GET('/api/v1/cards/{cardId}', { params: { path: { cardId: '' } } })
  // @ts-expect-error: no such code on this operation
  return error?.code === 'stale_revision'
}
