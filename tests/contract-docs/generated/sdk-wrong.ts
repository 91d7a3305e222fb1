/** What must not compile, if the types of @hey-api/openapi-ts are what they seem. */
import { type Card, createCard, getCard, type NewCard, openStream, type StreamFrame } from './boardcast/index.js'

// @ts-expect-error: no such field
export const misspelt: NewCard = { titel: 'Try the client' }
// @ts-expect-error: none of the priorities
export const urgent: NewCard = { title: 'Try the client', priority: 'urgent' }
// @ts-expect-error: no such parameter
export const nowhere = openStream({ query: { bord: 'demo' } })
// @ts-expect-error: the id of the board is missing
export const homeless = createCard({ body: { title: 'Try the client' } })

export function read(card: Card, frame: StreamFrame): unknown[] {
  // @ts-expect-error: no such field
  const name: unknown = card.name
  // @ts-expect-error: not the data of that event
  const lines: unknown = frame.event === 'card_moved' && 'cardId' in frame.data && frame.data.message
  return [name, lines]
}

export async function refused(): Promise<boolean> {
  const { error } = await getCard({ path: { cardId: '' } })
  // @ts-expect-error: no such code on this operation
  return error?.code === 'stale_revision'
}
