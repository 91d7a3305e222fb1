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

/** What an event changes. A column or card is new, or replaces the one with its id. */
export interface Patch {
  readonly columns?: readonly Column[]
  readonly removedColumn?: string
  readonly columnOrder?: string[]
  readonly cards?: readonly Card[]
  readonly removedCard?: string
}

/** The cards that depend on any of these. */
export type DependentsOf = (ids: readonly string[]) => readonly Card[]

type Changes = Readonly<Record<string, unknown>>

export function applyEvent(state: BoardState, message: SseMsg): BoardState {
  if (message.event === 'state') return message.data as BoardState
  const patch = patchOf(state, message, (ids) => dependentsIn(state, ids))
  return patch ? patched(state, patch) : state
}

/** What an event changes in a state; null when nothing. Its cost depends on what changes, not on the size of the board. */
export function patchOf(state: BoardState, message: SseMsg, dependentsOf: DependentsOf): Patch | null {
  const data = message.data as Changes
  switch (message.event) {
    case 'column_created':
      return insertColumn(state, data.column as Column, data.index as number)
    case 'column_updated':
      return updateColumn(state, data.columnId as string, data.changes as Changes, dependentsOf)
    case 'column_deleted':
      return removeColumn(state, data.columnId as string)
    case 'card_created':
      return createCard(state, data.card as Card, data.index as number)
    case 'card_updated':
      return updateCard(state, data.cardId as string, {
        ...(data.changes as Partial<Card>),
        revision: data.revision as number,
        updatedAt: data.updatedAt as string,
      })
    case 'card_moved':
      return moveCard(state, data, dependentsOf)
    case 'card_deleted':
      return deleteCard(state, data.cardId as string, dependentsOf)
    case 'attempt_status':
      return setAttempt(state, data)
    default:
      return null
  }
}

function patched(state: BoardState, { columns, removedColumn, columnOrder, cards, removedCard }: Patch): BoardState {
  return {
    ...state,
    ...((columns || removedColumn !== undefined) && { columns: merged(state.columns, columns, removedColumn) }),
    ...(columnOrder && { columnOrder }),
    ...((cards || removedCard !== undefined) && { cards: merged(state.cards, cards, removedCard) }),
  }
}

function merged<T extends { readonly id: string }>(
  all: Record<string, T>,
  replaced: readonly T[] = [],
  removed = '',
): Record<string, T> {
  const { [removed]: _, ...rest } = all
  for (const one of replaced) rest[one.id] = one
  return rest
}

function insertColumn(state: BoardState, column: Column, index: number): Patch {
  return { columns: [column], columnOrder: inserted(without(state.columnOrder, column.id), column.id, index) }
}

function updateColumn(
  state: BoardState,
  id: string,
  { index, ...fields }: Changes,
  dependentsOf: DependentsOf,
): Patch | null {
  const column = state.columns[id]
  if (!column) return null
  const next: Column = { ...column, ...fields }
  return {
    columns: [next],
    ...(typeof index === 'number' && { columnOrder: inserted(without(state.columnOrder, id), id, index) }),
    ...(isDone(next) !== isDone(column) && reblocked(state, dependentsOf(column.cardIds), { columns: [next] })),
  }
}

function removeColumn(state: BoardState, id: string): Patch | null {
  return state.columns[id] ? { removedColumn: id, columnOrder: without(state.columnOrder, id) } : null
}

function createCard(state: BoardState, card: Card, index: number): Patch | null {
  const column = state.columns[card.columnId]
  if (!column) return null
  const cardIds = inserted(without(column.cardIds, card.id), card.id, index)
  return { columns: [{ ...column, cardIds }], cards: [withBlocked(card, isBlocked(state, card))] }
}

function updateCard(state: BoardState, id: string, fields: Partial<Card>): Patch | null {
  const card = state.cards[id]
  if (!card) return null
  const next: Card = { ...card, ...fields }
  return { cards: [withBlocked(next, isBlocked(state, next))] }
}

function moveCard(state: BoardState, data: Changes, dependentsOf: DependentsOf): Patch | null {
  const { cardId, toColumnId, toIndex, revision, updatedAt } = data as {
    cardId: string
    toColumnId: string
    toIndex: number
    revision: number
    updatedAt: string
  }
  const card = state.cards[cardId]
  const to = state.columns[toColumnId]
  if (!card || !to) return null
  const from = state.columns[card.columnId]
  const columns = [{ ...to, cardIds: inserted(without(to.cardIds, cardId), cardId, toIndex) }]
  if (from && from !== to) columns.push({ ...from, cardIds: without(from.cardIds, cardId) })
  const moved: Card = { ...card, columnId: toColumnId, revision, updatedAt }
  const dependents = isDone(from) === isDone(to) ? [] : dependentsOf([cardId])
  return { columns, cards: [moved, ...(reblocked(state, dependents, { cards: [moved] }).cards ?? [])] }
}

function deleteCard(state: BoardState, id: string, dependentsOf: DependentsOf): Patch | null {
  const card = state.cards[id]
  if (!card) return null
  const column = state.columns[card.columnId]
  return {
    removedCard: id,
    ...(column && { columns: [{ ...column, cardIds: without(column.cardIds, id) }] }),
    ...reblocked(state, dependentsOf([id]), { removedCard: id }),
  }
}

/** A card shows its newest attempt: a new one (without a previous status) replaces it, changes of older ones do not. */
function setAttempt(state: BoardState, data: Changes): Patch | null {
  const { attemptId, cardId, agent, status, previousStatus, replayed } = data as {
    attemptId: string
    cardId: string
    agent: string
    status: NonNullable<Card['attempt']>['status']
    previousStatus: string | null
    replayed?: boolean
  }
  const card = state.cards[cardId]
  if (!card) return null
  if (card.attempt?.id !== attemptId && previousStatus !== null && !replayed) return null
  return { cards: [{ ...card, attempt: { id: attemptId, status, agent } }] }
}

/** Whether a dependency of the card is not in a `done` column. A deleted dependency does not block. */
export function isBlocked(state: BoardState, card: Pick<Card, 'dependsOn'>, patch: Patch = {}): boolean {
  const cardOf = (id: string) =>
    id === patch.removedCard ? undefined : (patch.cards?.find((card) => card.id === id) ?? state.cards[id])
  const columnOf = (id: string) => patch.columns?.find((column) => column.id === id) ?? state.columns[id]
  return card.dependsOn.some((id) => {
    const dependency = cardOf(id)
    return dependency !== undefined && !isDone(columnOf(dependency.columnId))
  })
}

/** Those of the cards whose `blocked` the patch turns. */
function reblocked(state: BoardState, cards: readonly Card[], patch: Patch): Pick<Patch, 'cards'> {
  const turned = cards.flatMap((card) => {
    const blocked = isBlocked(state, card, patch)
    return blocked === card.blocked ? [] : [{ ...card, blocked }]
  })
  return turned.length > 0 ? { cards: turned } : {}
}

function withBlocked(card: Card, blocked: boolean): Card {
  return blocked === card.blocked ? card : { ...card, blocked }
}

function dependentsIn({ cards }: BoardState, ids: readonly string[]): Card[] {
  const wanted = new Set(ids)
  return Object.values(cards).filter(({ dependsOn }) => dependsOn.some((id) => wanted.has(id)))
}

function isDone(column: Column | undefined): boolean {
  return column?.key === DONE_COLUMN_KEY
}

function without(ids: readonly string[], id: string): string[] {
  return ids.filter((other) => other !== id)
}

function inserted(ids: readonly string[], id: string, index: number): string[] {
  return [...ids.slice(0, index), id, ...ids.slice(index)]
}
