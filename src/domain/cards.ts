import { isDeepStrictEqual } from 'node:util'
import type { CardChanges } from '../../shared/src/catalogue/boards.ts'
import type { CardEdit, CardMove, NewCard } from '../../shared/src/inputs/boards.ts'
import { type Card, DONE_COLUMN_KEY, IN_PROGRESS_COLUMN_KEY } from '../../shared/src/types/kanban.ts'
import { Problem } from '../base/errors.ts'
import { takeTicketKey } from '../db/rows/boards.ts'
import { listDependencies, listDependents, replaceDependencies } from '../db/rows/card-dependencies.ts'
import * as rows from '../db/rows/cards.ts'
import { type ColumnFields, findColumn, findColumnByKey } from '../db/rows/columns.ts'
import { insertionAt, moveBetween, removalAt } from '../db/rows/positions.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { noSuchBoard } from './boards.ts'
import { refuseBlocked, refuseOpen, resolveDependencies, resolveNewDependencies } from './card-dependencies.ts'
import { refuseStageChange } from './card-stages.ts'
import { clampIndex } from './clamp.ts'
import { targetColumn } from './columns.ts'
import { newId } from './ids.ts'

/** Fields that change without a rule of their own. */
const PLAIN_FIELDS = [
  'title',
  'description',
  'ticketType',
  'priority',
  'labels',
  'isEnhanced',
  'prUrl',
  'assignedAgentId',
] as const

/** Throws `card_not_found`. */
export async function getCard(sql: Sql, id: string): Promise<Card> {
  return (await requireCard(sql, id)).card
}

/** False for a card that does not exist. */
export async function isInDoneColumn(sql: Sql, cardId: string): Promise<boolean> {
  return (await rows.findColumnKeyOfCard(sql, cardId)) === DONE_COLUMN_KEY
}

/** `index` is its place in the column, the end when it is not given. A blocked card is not made `in_progress`. */
export async function createCard(tx: Tx, boardId: string, input: NewCard): Promise<Card> {
  // First: it finds out whether there is such a board. A refusal takes the key back.
  const ticketKey = await takeTicketKey(tx.sql, boardId)
  if (ticketKey === undefined) throw noSuchBoard(boardId)
  const column = await targetColumn(tx.sql, boardId, input)
  const dependencies = await resolveDependencies(tx.sql, boardId, input.dependsOn ?? [])
  if (column.key === IN_PROGRESS_COLUMN_KEY) refuseOpen(dependencies, `The card cannot be made in ${column.title}`)
  const card: Card = {
    id: newId('crd'),
    boardId,
    columnId: column.id,
    ticketKey,
    title: input.title,
    description: input.description ?? null,
    ticketType: input.ticketType ?? null,
    priority: input.priority ?? null,
    labels: input.labels ?? [],
    stage: input.stage ?? null,
    dependsOn: dependencies.map(({ id }) => id),
    blocked: dependencies.some(({ open }) => open),
    assignedAgentId: input.assignedAgentId ?? null,
    isEnhanced: false,
    prUrl: null,
    attempt: null,
    revision: 1,
    createdAt: tx.now,
    updatedAt: tx.now,
  }
  const count = await rows.countCards(tx.sql, column.id)
  const index = clampIndex(input.index, count)
  if (index < count) await rows.shiftCards(tx.sql, column.id, insertionAt(index))
  await rows.insertCard(tx.sql, card, index)
  if (card.dependsOn.length > 0) await replaceDependencies(tx.sql, card.id, card.dependsOn)
  tx.emit('card.created', { boardId, cardId: card.id, card, columnId: column.id, index })
  const { assignedAgentId } = card
  // The agent's own channel shows assignments, not creations.
  if (assignedAgentId !== null) emitChanges(tx, card, card, { assignedAgentId })
  return card
}

/** Replaces the fields that are given. What is as it was changes nothing: no event, no revision. */
export async function updateCard(tx: Tx, id: string, edit: CardEdit): Promise<Card> {
  const card = await getCard(tx.sql, id)
  refuseStale(card, edit.ifRevision)
  const changes: CardChanges = {}
  for (const field of PLAIN_FIELDS) {
    const value = edit[field]
    if (value !== undefined && !isDeepStrictEqual(value, card[field])) Object.assign(changes, { [field]: value })
  }
  if (edit.stage !== undefined && edit.stage !== card.stage) {
    refuseStageChange(card.stage, edit.stage)
    changes.stage = edit.stage
  }
  if (edit.dependsOn !== undefined) {
    const dependencies = await resolveNewDependencies(tx.sql, card, edit.dependsOn)
    Object.assign(changes, dependencyChanges(card, dependencies))
  }
  return changeCard(tx, card, changes)
}

/** Sets the address of the card's pull request. */
export async function setPrUrl(tx: Tx, cardId: string, url: string): Promise<void> {
  const card = await getCard(tx.sql, cardId)
  await changeCard(tx, card, card.prUrl === url ? {} : { prUrl: url })
}

/** `index` is its place in the target column after removal, the end when it is not given. */
export async function moveCard(tx: Tx, id: string, move: CardMove): Promise<Card> {
  const placed = await requireCard(tx.sql, id)
  const { card } = placed
  refuseStale(card, move.ifRevision)
  const to = await targetColumn(tx.sql, card.boardId, move)
  if (to.id !== card.columnId && to.key === IN_PROGRESS_COLUMN_KEY) {
    await refuseBlocked(tx.sql, card, `enter ${to.title}`)
  }
  return place(tx, placed, to, move.index)
}

/**
 * Moves a card to the end of the column with that key on its board; nothing happens when there is none. The caller has
 * made sure that the card may go there: whether it is blocked is not asked.
 */
export async function moveCardToEnd(tx: Tx, cardId: string, columnKey: string): Promise<void> {
  const placed = await requireCard(tx.sql, cardId)
  const to = await findColumnByKey(tx.sql, placed.card.boardId, columnKey)
  if (to) await place(tx, placed, to, undefined)
}

/** Cards that waited for it wait for it no longer, and say so before it goes. */
export async function deleteCard(tx: Tx, id: string, ifRevision: number | undefined): Promise<void> {
  const { card, position } = await requireCard(tx.sql, id)
  refuseStale(card, ifRevision)
  for (const dependentId of await listDependents(tx.sql, id)) {
    const dependent = await getCard(tx.sql, dependentId)
    const others = (await listDependencies(tx.sql, dependentId)).filter((dependency) => dependency.id !== id)
    await changeCard(tx, dependent, dependencyChanges(dependent, others))
  }
  await rows.deleteCard(tx.sql, id)
  await rows.shiftCards(tx.sql, card.columnId, removalAt(position))
  tx.emit('card.deleted', { boardId: card.boardId, cardId: id, columnId: card.columnId })
}

async function requireCard(sql: Sql, id: string): Promise<rows.PlacedCard> {
  const placed = await rows.findCard(sql, id)
  if (!placed) throw new Problem('card_not_found', `There is no card ${id}.`)
  return placed
}

function refuseStale(card: Card, ifRevision: number | undefined): void {
  if (ifRevision === undefined || ifRevision === card.revision) return
  throw new Problem(
    'stale_revision',
    `ifRevision is ${ifRevision}, but ${card.ticketKey} is at revision ${card.revision}. Read the card again.`,
  )
}

function dependencyChanges(card: Card, dependencies: ReadonlyArray<{ id: string; open: boolean }>): CardChanges {
  const dependsOn = dependencies.map(({ id }) => id)
  if (isDeepStrictEqual(dependsOn, card.dependsOn)) return {}
  const blocked = dependencies.some(({ open }) => open)
  return blocked === card.blocked ? { dependsOn } : { dependsOn, blocked }
}

/** Writes changes that are such, and says them. */
async function changeCard(tx: Tx, card: Card, changes: CardChanges): Promise<Card> {
  if (Object.keys(changes).length === 0) return card
  const next: Card = { ...card, ...changes, revision: card.revision + 1, updatedAt: tx.now }
  await rows.updateCard(tx.sql, next)
  if (changes.dependsOn) await replaceDependencies(tx.sql, card.id, changes.dependsOn)
  emitChanges(tx, card, next, changes)
  return next
}

/** One event for each kind of change, all with the one revision that they make together. */
function emitChanges(tx: Tx, before: Card, after: Card, changes: CardChanges): void {
  const { boardId, id: cardId, revision, updatedAt } = after
  const { stage, assignedAgentId, ...ordinary } = changes
  const change = { boardId, cardId, revision, updatedAt }
  if (Object.keys(ordinary).length > 0) tx.emit('card.updated', { ...change, changes: ordinary })
  if (stage !== undefined) {
    tx.emit('card.stage.changed', { ...change, oldStage: before.stage, newStage: stage, changes: { stage } })
  }
  if (assignedAgentId !== undefined) {
    tx.emit('card.assigned', { ...change, agentId: assignedAgentId, changes: { assignedAgentId } })
  }
}

/** Moves the card, and says so; it stays, without a word, where it already is. */
async function place(
  tx: Tx,
  { card, position }: rows.PlacedCard,
  to: ColumnFields,
  index: number | undefined,
): Promise<Card> {
  const within = to.id === card.columnId
  const size = await rows.countCards(tx.sql, to.id)
  const toIndex = clampIndex(index, within ? size - 1 : size)
  if (within && toIndex === position) return card
  const from = within ? to : await findColumn(tx.sql, card.columnId)
  if (!from) throw new Error(`card ${card.id} is in no column`)
  if (within) await rows.shiftCards(tx.sql, to.id, moveBetween(position, toIndex))
  else {
    await rows.shiftCards(tx.sql, from.id, removalAt(position))
    await rows.shiftCards(tx.sql, to.id, insertionAt(toIndex))
  }
  const next: Card = { ...card, columnId: to.id, revision: card.revision + 1, updatedAt: tx.now }
  await rows.placeCard(tx.sql, next, toIndex)
  tx.emit('card.moved', {
    boardId: card.boardId,
    oldStatus: from.key ?? from.title,
    newStatus: to.key ?? to.title,
    cardId: card.id,
    fromColumnId: from.id,
    toColumnId: to.id,
    toIndex,
    revision: next.revision,
    updatedAt: next.updatedAt,
  })
  return next
}
