/** What clients do to boards. Shown at once on a board that is open, and taken back when the server refuses. */
import { applyEvent } from '../../../shared/src/apply-event.ts'
import type { CardEdit, CardMove, NewCard } from '../../../shared/src/inputs/boards.ts'
import type { BoardState, Card, Column } from '../../../shared/src/types/kanban.ts'
import type { HubCore, Reply } from '../core/hub-core.ts'
import type { BoardStore, Mutation } from './board.ts'
import type { Change } from './pending.ts'

/** `boardId` where it is known; else the card is looked for on the boards that are open. */
export interface OfCard {
  readonly cardId: string
  readonly boardId?: string | undefined
}
export type MoveCard = OfCard & CardMove
export type UpdateCard = OfCard & CardEdit
export type DeleteCard = OfCard & { readonly ifRevision?: number | undefined }
export type CreateCard = { readonly boardId: string } & NewCard

/** All reject with a `BoardcastError` when the server refuses. What nobody awaits shows as the board's `error`. */
export interface Mutations {
  moveCard(move: MoveCard): Promise<Card>
  createCard(card: CreateCard): Promise<Card>
  updateCard(change: UpdateCard): Promise<Card>
  deleteCard(deletion: DeleteCard): Promise<void>
}

/** Ids of cards that are shown before the server has made them begin so. */
export const UNMADE = 'unmade:'

export interface OpenBoards {
  live(id: string): BoardStore | undefined
  all(): BoardStore[]
}

let unmade = 0

export function createMutations(hub: HubCore, boards: OpenBoards): Mutations {
  function run<T>(board: BoardStore | undefined, mutation: Mutation<T>): Promise<T> {
    return board ? board.mutate(mutation) : mutation.carryOut().then(({ body }) => body)
  }

  function boardOf({ boardId, cardId }: OfCard): BoardStore | undefined {
    return boardId === undefined ? boards.all().find((board) => board.get().state?.cards[cardId]) : boards.live(boardId)
  }

  return {
    moveCard: ({ boardId, cardId, ...move }) =>
      run(boardOf({ boardId, cardId }), {
        guess: (state) => moved(state, cardId, move),
        carryOut: () => hub.request<Card>('POST', `${pathOf(cardId)}/move`, move),
      }),

    updateCard: ({ boardId, cardId, ...edit }) =>
      run(boardOf({ boardId, cardId }), {
        guess: (state) => edited(state, cardId, edit),
        carryOut: () => hub.request<Card>('PATCH', pathOf(cardId), edit),
      }),

    deleteCard: ({ boardId, cardId, ifRevision }) =>
      run(boardOf({ boardId, cardId }), {
        guess: (state) => applyEvent(state, { event: 'card_deleted', data: { cardId } }),
        carryOut: (): Promise<Reply<void>> =>
          hub.request('DELETE', pathOf(cardId) + (ifRevision === undefined ? '' : `?ifRevision=${ifRevision}`)),
      }),

    createCard({ boardId, ...card }) {
      const board = boards.live(boardId)
      const { guess, sent } = creation(boardId, card)
      return run(board, {
        guess,
        carryOut() {
          sent(board?.get().state ?? null)
          return hub.request<Card>('POST', `/boards/${encodeURIComponent(boardId)}/cards`, card)
        },
        known: (made) => (state) => created(state, made, card.index),
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
 * A card that the server has not named yet. Its event may come before the answer that tells its id, and must not show it
 * twice: from when it was sent, a card that was not there then and has the same title and column is taken for it.
 */
function creation(
  boardId: string,
  given: NewCard,
): { guess: Change<BoardState>; sent(state: BoardState | null): void } {
  const id = `${UNMADE}${++unmade}`
  const now = new Date().toISOString()
  let known: ReadonlySet<string> | undefined
  const { columnId: _, columnKey: __, index, ...fields } = given
  return {
    sent(state) {
      known = new Set(Object.keys(state?.cards ?? {}))
    },
    guess(state) {
      const column = columnOf(state, given) ?? state.columns[state.columnOrder[0] ?? '']
      if (!column) return state
      const seen = known
      const isIt = ({ id: other, title, columnId }: Card) =>
        seen !== undefined &&
        !seen.has(other) &&
        !other.startsWith(UNMADE) &&
        title === given.title &&
        columnId === column.id
      if (Object.values(state.cards).some(isIt)) return state
      return created(
        state,
        { ...BLANK, ...fields, id, boardId, columnId: column.id, createdAt: now, updatedAt: now },
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
