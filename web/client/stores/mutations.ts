/** Mutations of cards. They show at once on an open board, and are reverted if the server refuses. */
import { applyEvent } from '../../../shared/src/apply-event.ts'
import type { CardEdit, CardMove, NewCard } from '../../../shared/src/inputs/boards.ts'
import type { BoardState, Card, Column } from '../../../shared/src/types/kanban.ts'
import { errorOf } from '../base/errors.ts'
import type { HubCore, Reply } from '../base/types.ts'
import type { OpenBoard } from './board.ts'
import type { Change, MutationQueues } from './mutation-queues.ts'

/** Without `boardId`, the card is looked up on the open boards. */
export interface OfCard {
  readonly cardId: string
  readonly boardId?: string | undefined
}
export type MoveCard = OfCard & CardMove
export type UpdateCard = OfCard & CardEdit
export type DeleteCard = OfCard & { readonly ifRevision?: number | undefined }
export type CreateCard = { readonly boardId: string } & NewCard

/** They reject with a `BoardcastError` if the server refuses. The refusal also shows as the board's `error`. */
export interface Mutations {
  moveCard(move: MoveCard): Promise<Card>
  createCard(card: CreateCard): Promise<Card>
  updateCard(change: UpdateCard): Promise<Card>
  deleteCard(deletion: DeleteCard): Promise<void>
}

/** Prefix of the ids of cards that are shown before the server has created them. */
export const TEMPORARY = 'unmade:'

/** A card from the call of `createCard`, known by its temporary id. */
interface NewCardEntry {
  readonly boardId: string
  /** The temporary id, or the id of the card on the board that must be the same card. */
  shownId: string
  /** The id in the server's answer. */
  createdId: string | null
  error: Error | null
}

let lastTemporary = 0

export function createMutations(
  hub: HubCore,
  openBoards: () => readonly OpenBoard[],
  queues: MutationQueues,
): Mutations {
  const newCards = new Map<string, NewCardEntry>()

  function boardOf({ boardId, cardId }: OfCard): string | undefined {
    if (boardId !== undefined) return boardId
    const known = newCards.get(cardId)?.boardId ?? queues.boardOf(cardId)
    return known ?? openBoards().find((board) => board.get().state?.cards[cardId])?.id
  }

  /** The id under which the board shows the card. */
  function shownId(cardId: string): string {
    const card = newCards.get(cardId)
    return card?.createdId ?? card?.shownId ?? cardId
  }

  /** The id for the server. Mutations before this one have been answered. Throws if the card could not be created. */
  function serverId(cardId: string): string {
    const card = newCards.get(cardId)
    if (card?.error) throw card.error
    return card?.createdId ?? cardId
  }

  function withServerIds<Input extends { readonly dependsOn?: readonly string[] | undefined }>(input: Input): Input {
    return input.dependsOn ? { ...input, dependsOn: input.dependsOn.map(serverId) } : input
  }

  return {
    moveCard: ({ boardId, cardId, ...move }) =>
      queues.mutate(boardOf({ boardId, cardId }), {
        cardId,
        guess: (state) => moved(state, shownId(cardId), move),
        send: async () => hub.request<Card>('POST', `${pathOf(serverId(cardId))}/move`, move),
      }),

    updateCard: ({ boardId, cardId, ...edit }) =>
      queues.mutate(boardOf({ boardId, cardId }), {
        cardId,
        guess: (state) => edited(state, shownId(cardId), edit),
        send: async () => hub.request<Card>('PATCH', pathOf(serverId(cardId)), withServerIds(edit)),
      }),

    deleteCard: ({ boardId, cardId, ifRevision }) =>
      queues.mutate(boardOf({ boardId, cardId }), {
        cardId,
        guess: (state) => applyEvent(state, { event: 'card_deleted', data: { cardId: shownId(cardId) } }),
        send: async (): Promise<Reply<void>> => {
          const query = ifRevision === undefined ? '' : `?ifRevision=${ifRevision}`
          return hub.request('DELETE', pathOf(serverId(cardId)) + query)
        },
      }),

    createCard({ boardId, ...card }) {
      const cardId = `${TEMPORARY}${++lastTemporary}`
      const entry: NewCardEntry = { boardId, shownId: cardId, createdId: null, error: null }
      newCards.set(cardId, entry)
      const { guess, sent } = creation(entry, card)
      return queues.mutate(boardId, {
        cardId,
        guess,
        async send(shown) {
          sent(shown)
          try {
            const path = `/boards/${encodeURIComponent(boardId)}/cards`
            const reply = await hub.request<Card>('POST', path, withServerIds(card))
            entry.createdId = reply.body.id
            return reply
          } catch (error) {
            entry.error = errorOf(error)
            throw error
          }
        },
        effect: (answer) => (state) => created(state, answer, card.index),
      })
    },
  }
}

function pathOf(cardId: string): string {
  return `/cards/${encodeURIComponent(cardId)}`
}

function columnOf(
  state: BoardState,
  { columnId, columnKey }: Pick<CardMove, 'columnId' | 'columnKey'>,
): Column | undefined {
  if (columnId !== undefined) return state.columns[columnId]
  return Object.values(state.columns).find(({ key }) => columnKey !== undefined && key === columnKey)
}

function moved(state: BoardState, cardId: string, move: CardMove): BoardState {
  const card = state.cards[cardId]
  const to = columnOf(state, move)
  if (!card || !to) return state
  const { revision, updatedAt } = card
  const toIndex = Math.max(0, move.index ?? to.cardIds.length)
  return applyEvent(state, { event: 'card_moved', data: { cardId, toColumnId: to.id, toIndex, revision, updatedAt } })
}

function edited(state: BoardState, cardId: string, { ifRevision: _, ...changes }: CardEdit): BoardState {
  const card = state.cards[cardId]
  if (!card) return state
  const { revision, updatedAt } = card
  return applyEvent(state, { event: 'card_updated', data: { cardId, changes, revision, updatedAt } })
}

function created(state: BoardState, card: Card, index: number | undefined): BoardState {
  const column = state.columns[card.columnId]
  if (!column || state.cards[card.id]) return state
  const at = Math.max(0, index ?? column.cardIds.length)
  return applyEvent(state, { event: 'card_created', data: { card, columnId: card.columnId, index: at } })
}

/**
 * The card's event may come before the answer with its id, and the card must not show twice: once the request is sent, a
 * new card with the same title and column is taken for it.
 */
function creation(
  entry: NewCardEntry,
  given: NewCard,
): { guess: Change<BoardState>; sent(state: BoardState | null): void } {
  const { boardId, shownId: temporaryId } = entry
  const now = new Date().toISOString()
  /** The cards that the board had when the request was sent. */
  let before: ReadonlySet<string> | undefined
  const { columnId: _, columnKey: __, index, ...fields } = given
  return {
    sent(state) {
      before = new Set(Object.keys(state?.cards ?? {}))
    },
    guess(state) {
      const column = columnOf(state, given) ?? state.columns[state.columnOrder[0] ?? '']
      if (!column) return state
      const known = before
      const isSame = ({ id, title, columnId }: Card) =>
        known !== undefined &&
        !known.has(id) &&
        !id.startsWith(TEMPORARY) &&
        title === given.title &&
        columnId === column.id
      const same = Object.values(state.cards).find(isSame)
      if (same) {
        // Mutations of the temporary card show on this one.
        entry.shownId = same.id
        return state
      }
      entry.shownId = temporaryId
      return created(
        state,
        { ...BLANK, ...fields, id: temporaryId, boardId, columnId: column.id, createdAt: now, updatedAt: now },
        index,
      )
    },
  }
}

const BLANK = {
  ticketKey: '',
  description: null,
  ticketType: null,
  priority: null,
  labels: [],
  stage: null,
  dependsOn: [],
  blocked: false,
  assignedAgentId: null,
  isEnhanced: false,
  prUrl: null,
  attempt: null,
  revision: 0,
} as const satisfies Partial<Card>
