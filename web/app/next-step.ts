/** The command that takes a board one step further, so that a newcomer always has one that works. */
import { API_PREFIX } from '../../shared/src/protocol.ts'
import type { AttemptStatus, BoardState, Card } from '../../shared/src/types/kanban.ts'
import { curlPost } from './command.ts'

const ACTIVE: readonly AttemptStatus[] = ['queued', 'running', 'stopping']

export interface Step {
  readonly purpose: string
  readonly text: string
}

export function nextStep(boardId: string, state: BoardState): Step {
  const cards = Object.values(state.cards)
  const working = cards.find((card) => card.attempt && ACTIVE.includes(card.attempt.status))
  if (working?.attempt) {
    return {
      purpose: `Print a line for ${working.ticketKey}`,
      text: curlPost(`${API_PREFIX}/attempts/${working.attempt.id}/logs`, { message: 'Hello from curl' }),
    }
  }
  const open = cards.find((card) => !card.blocked && !isDone(card, state))
  if (open) {
    return {
      purpose: `Start an attempt on ${open.ticketKey}`,
      text: curlPost(`${API_PREFIX}/cards/${open.id}/attempts`, { agent: 'me', status: 'running' }),
    }
  }
  return { purpose: 'Post a card', text: postCard(boardId) }
}

export function postCard(boardId: string): string {
  return curlPost(`${API_PREFIX}/boards/${boardId}/cards`, { title: 'Hello from curl' })
}

function isDone(card: Card, state: BoardState): boolean {
  return state.columns[card.columnId]?.key === 'done'
}
