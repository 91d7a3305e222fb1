import type { Api } from '../api/api.ts'
import type { BoardState, Card } from '../api/replies.ts'
import { cardsIn, type DemoBoard } from './board.ts'
import { isPlayer } from './cast.ts'
import { createDesk, type PullRequest } from './desk.ts'

/** Lets finished cards rest in review for a while and then merges them, which unblocks those that wait for them. */
export interface Reviewer {
  /** Expects this pull request to be merged with its card. */
  receive(cardId: string, pullRequest: PullRequest): void
  /** Merges what is due; answers how many cards were waiting. */
  look(state: BoardState): Promise<number>
}

export interface ReviewerOptions {
  readonly api: Api
  readonly board: DemoBoard
  readonly restMs: number
  readonly onMerged: (card: Card) => void
}

export function createReviewer({ api, board, restMs, onMerged }: ReviewerOptions): Reviewer {
  const pullRequests = new Map<string, PullRequest>()
  /** When a card was first seen in review; only cards that are there now. */
  let since = new Map<string, number>()

  async function merge(card: Card, attemptId: string): Promise<void> {
    const pullRequest = pullRequests.get(card.id)
    pullRequests.delete(card.id)
    if (pullRequest !== undefined) {
      await createDesk(api, board.id, attemptId).pullRequest({ ...pullRequest, state: 'closed', merged: true })
    }
    await board.move(card.id, 'done')
    onMerged(card)
  }

  return {
    receive(cardId, pullRequest) {
      pullRequests.set(cardId, pullRequest)
    },
    async look(state) {
      const now = performance.now()
      const waiting = cardsIn(state, 'review').filter(
        ({ attempt }) => attempt?.status === 'succeeded' && isPlayer(attempt.agent),
      )
      since = new Map(waiting.map((card) => [card.id, since.get(card.id) ?? now]))
      for (const card of waiting) {
        if (card.attempt === null || now - (since.get(card.id) ?? now) < restMs) continue
        await merge(card, card.attempt.id)
      }
      return waiting.length
    },
  }
}
