/**
 * The reducer that server and clients share: a board's state and one event of its `diff` view give the next state.
 * The state at id N, with the events after N applied, is the current state (docs/api.md, F1); tests apply whole streams
 * and compare the result with the database.
 *
 * Pure: the argument is never changed, and parts that an event does not touch keep their identity. Events that do not
 * concern the state, or name things that it does not contain, return the state unchanged.
 */
import { DONE_COLUMN_KEY } from './column-keys.ts'
import type { BoardState, Card, Column } from './types/kanban.ts'

/** An event as a listener receives it: its wire name and its bare payload. */
export interface SseMsg {
  readonly event: string
  readonly data: unknown
}

type Changes = Readonly<Record<string, unknown>>

export function applyEvent(state: BoardState, message: SseMsg): BoardState {
  const data = message.data as Changes
  switch (message.event) {
    case 'state':
      return message.data as BoardState
    case 'column_created':
      return withColumn(state, data.column as Column, data.index as number)
    case 'column_updated':
      return updateColumn(state, data.columnId as string, data.changes as Changes)
    case 'column_deleted':
      return withoutColumn(state, data.columnId as string)
    case 'card_created':
      return createCard(state, data.card as Card, data.index as number)
    case 'card_updated':
      return updateCard(state, data.cardId as string, {
        ...(data.changes as Partial<Card>),
        revision: data.revision as number,
        updatedAt: data.updatedAt as string,
      })
    case 'card_moved':
      return moveCard(state, data)
    case 'card_deleted':
      return deleteCard(state, data.cardId as string)
    case 'attempt_status':
      return setAttempt(state, data)
    default:
      return state
  }
}

/** Whether a dependency of the card is not in a `done` column. A deleted dependency does not block. */
export function isBlocked(state: BoardState, card: Pick<Card, 'dependsOn'>): boolean {
  return card.dependsOn.some((id) => {
    const dependency = state.cards[id]
    return dependency !== undefined && state.columns[dependency.columnId]?.key !== DONE_COLUMN_KEY
  })
}

function withColumn(state: BoardState, column: Column, index: number): BoardState {
  return {
    ...state,
    columns: { ...state.columns, [column.id]: column },
    columnOrder: inserted(without(state.columnOrder, column.id), column.id, index),
  }
}

function updateColumn(state: BoardState, id: string, { index, ...fields }: Changes): BoardState {
  const column = state.columns[id]
  if (!column) return state
  const next = { ...state, columns: { ...state.columns, [id]: { ...column, ...fields } } }
  if (typeof index === 'number') next.columnOrder = inserted(without(state.columnOrder, id), id, index)
  return recomputeBlocked(next)
}

function withoutColumn(state: BoardState, id: string): BoardState {
  const { [id]: _, ...columns } = state.columns
  return { ...state, columns, columnOrder: without(state.columnOrder, id) }
}

function createCard(state: BoardState, card: Card, index: number): BoardState {
  const column = state.columns[card.columnId]
  if (!column) return state
  const cardIds = inserted(without(column.cardIds, card.id), card.id, index)
  return recomputeBlocked({
    ...state,
    columns: { ...state.columns, [column.id]: { ...column, cardIds } },
    cards: { ...state.cards, [card.id]: card },
  })
}

function updateCard(state: BoardState, id: string, fields: Partial<Card>): BoardState {
  const card = state.cards[id]
  if (!card) return state
  return recomputeBlocked({ ...state, cards: { ...state.cards, [id]: { ...card, ...fields } } })
}

function moveCard(state: BoardState, data: Changes): BoardState {
  const { cardId, toColumnId, toIndex, revision, updatedAt } = data as {
    cardId: string
    toColumnId: string
    toIndex: number
    revision: number
    updatedAt: string
  }
  const card = state.cards[cardId]
  const to = state.columns[toColumnId]
  if (!card || !to) return state
  const columns = { ...state.columns }
  const from = columns[card.columnId]
  if (from) columns[from.id] = { ...from, cardIds: without(from.cardIds, cardId) }
  columns[to.id] = { ...to, cardIds: inserted(without(to.cardIds, cardId), cardId, toIndex) }
  const moved = { ...card, columnId: toColumnId, revision, updatedAt }
  return recomputeBlocked({ ...state, columns, cards: { ...state.cards, [cardId]: moved } })
}

function deleteCard(state: BoardState, id: string): BoardState {
  const card = state.cards[id]
  if (!card) return state
  const { [id]: _, ...cards } = state.cards
  const column = state.columns[card.columnId]
  const columns = column
    ? { ...state.columns, [column.id]: { ...column, cardIds: without(column.cardIds, id) } }
    : state.columns
  return recomputeBlocked({ ...state, columns, cards })
}

/** A card shows its newest attempt: a new one (without a previous status) replaces it, changes of older ones do not. */
function setAttempt(state: BoardState, data: Changes): BoardState {
  const { attemptId, cardId, agent, status, previousStatus, replayed } = data as {
    attemptId: string
    cardId: string
    agent: string
    status: NonNullable<Card['attempt']>['status']
    previousStatus: string | null
    replayed?: boolean
  }
  const card = state.cards[cardId]
  if (!card) return state
  if (card.attempt?.id !== attemptId && previousStatus !== null && !replayed) return state
  const attempt = { id: attemptId, status, agent }
  return { ...state, cards: { ...state.cards, [cardId]: { ...card, attempt } } }
}

function recomputeBlocked(state: BoardState): BoardState {
  let cards = state.cards
  for (const card of Object.values(state.cards)) {
    const blocked = isBlocked(state, card)
    if (blocked === card.blocked) continue
    if (cards === state.cards) cards = { ...state.cards }
    cards[card.id] = { ...card, blocked }
  }
  return cards === state.cards ? state : { ...state, cards }
}

function without(ids: readonly string[], id: string): string[] {
  return ids.filter((other) => other !== id)
}

function inserted(ids: readonly string[], id: string, index: number): string[] {
  return [...ids.slice(0, index), id, ...ids.slice(index)]
}
