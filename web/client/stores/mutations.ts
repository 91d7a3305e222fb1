/** What clients do to boards. Shown at once on a board that is open, and taken back when the server refuses. */
import { applyEvent } from '../../../shared/src/apply-event.ts'
import type { CardEdit, CardMove, NewCard } from '../../../shared/src/inputs/boards.ts'
import type { BoardState, Card, Column } from '../../../shared/src/types/kanban.ts'
import type { HubCore, Reply } from '../core/hub-core.ts'
import type { BoardStore } from './board.ts'
import type { Lanes } from './lanes.ts'
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

/** The boards that are open. */
export type OpenBoards = () => ReadonlyArray<readonly [id: string, board: BoardStore]>

/** A card that the server has not named yet, or had not. */
interface Unmade {
  readonly boardId: string
  /** Its own, or that of the card on the board that is taken for it. */
  id: string
  /** As the server answered. */
  made: string | null
  error: Error | null
}

let unmade = 0

export function createMutations(hub: HubCore, boards: OpenBoards, lanes: Lanes): Mutations {
  const made = new Map<string, Unmade>()

  function boardOf({ boardId, cardId }: OfCard): string | undefined {
    if (boardId !== undefined) return boardId
    const ofCard = made.get(cardId)?.boardId ?? lanes.boardOf(cardId)
    return ofCard ?? boards().find(([, board]) => board.get().state?.cards[cardId])?.[0]
  }

  /** What it is called by now. */
  function now(cardId: string): string {
    const card = made.get(cardId)
    return card?.made ?? card?.id ?? cardId
  }

  /** What the server calls it: those before it are answered. Without the card nothing can be done to it. */
  function named(cardId: string): string {
    const card = made.get(cardId)
    if (card?.error) throw card.error
    return card?.made ?? cardId
  }

  function namedIn<Input extends { readonly dependsOn?: readonly string[] | undefined }>(input: Input): Input {
    return input.dependsOn ? { ...input, dependsOn: input.dependsOn.map(named) } : input
  }

  return {
    moveCard: ({ boardId, cardId, ...move }) =>
      lanes.mutate(boardOf({ boardId, cardId }), {
        cardId,
        guess: (state) => moved(state, now(cardId), move),
        carryOut: async () => hub.request<Card>('POST', `${pathOf(named(cardId))}/move`, move),
      }),

    updateCard: ({ boardId, cardId, ...edit }) =>
      lanes.mutate(boardOf({ boardId, cardId }), {
        cardId,
        guess: (state) => edited(state, now(cardId), edit),
        carryOut: async () => hub.request<Card>('PATCH', pathOf(named(cardId)), namedIn(edit)),
      }),

    deleteCard: ({ boardId, cardId, ifRevision }) =>
      lanes.mutate(boardOf({ boardId, cardId }), {
        cardId,
        guess: (state) => applyEvent(state, { event: 'card_deleted', data: { cardId: now(cardId) } }),
        carryOut: async (): Promise<Reply<void>> =>
          hub.request('DELETE', pathOf(named(cardId)) + (ifRevision === undefined ? '' : `?ifRevision=${ifRevision}`)),
      }),

    createCard({ boardId, ...card }) {
      const one: Unmade = { boardId, id: `${UNMADE}${++unmade}`, made: null, error: null }
      const cardId = one.id
      made.set(cardId, one)
      const { guess, sent } = creation(one, card)
      return lanes.mutate(boardId, {
        cardId,
        guess,
        async carryOut(shown) {
          sent(shown)
          try {
            const reply = await hub.request<Card>('POST', `/boards/${encodeURIComponent(boardId)}/cards`, namedIn(card))
            one.made = reply.body.id
            return reply
          } catch (error) {
            one.error = error instanceof Error ? error : new Error(String(error))
            throw error
          }
        },
        known: (answer) => (state) => created(state, answer, card.index),
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
function creation(one: Unmade, given: NewCard): { guess: Change<BoardState>; sent(state: BoardState | null): void } {
  const { boardId, id } = one
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
      const it = Object.values(state.cards).find(isIt)
      if (it) {
        // What is done to it by the name that it had shows on it.
        one.id = it.id
        return state
      }
      one.id = id
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
