import type { Api } from '../api/api.ts'
import type { BoardState, Card } from '../api/responses.ts'
import { isDemoAgent } from './agents.ts'
import { createAttemptClient, type PullRequest } from './attempt-client.ts'
import { cardsIn, type DemoBoard } from './board.ts'

/** Keeps finished cards in review for a while and then merges them, which unblocks the cards that depend on them. */
export interface Reviewer {
  /** The pull request will be merged with its card. */
  expectPullRequest(cardId: string, pullRequest: PullRequest): void
  /** Merges the cards that have been in review long enough. Resolves to the number of cards in review. */
  mergeDue(state: BoardState): Promise<number>
}

export interface ReviewerOptions {
  readonly api: Api
  readonly board: DemoBoard
  readonly reviewMs: number
  readonly onMerged: (card: Card) => void
}

export function createReviewer({ api, board, reviewMs, onMerged }: ReviewerOptions): Reviewer {
  const pullRequests = new Map<string, PullRequest>()
  /** When each card that is in review now was first seen there. */
  let since = new Map<string, number>()

  async function merge(card: Card, attemptId: string): Promise<void> {
    const pullRequest = pullRequests.get(card.id)
    pullRequests.delete(card.id)
    if (pullRequest !== undefined) {
      await createAttemptClient(api, board.id, attemptId).pullRequest({ ...pullRequest, state: 'closed', merged: true })
    }
    await board.move(card.id, 'done')
    onMerged(card)
  }

  return {
    expectPullRequest(cardId, pullRequest) {
      pullRequests.set(cardId, pullRequest)
    },
    async mergeDue(state) {
      const now = performance.now()
      const waiting = cardsIn(state, 'review').filter(
        ({ attempt }) => attempt?.status === 'succeeded' && isDemoAgent(attempt.agent),
      )
      since = new Map(waiting.map((card) => [card.id, since.get(card.id) ?? now]))
      for (const card of waiting) {
        if (card.attempt === null || now - (since.get(card.id) ?? now) < reviewMs) continue
        await merge(card, card.attempt.id)
      }
      return waiting.length
    },
  }
}
