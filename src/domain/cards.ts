/** Cards: created, changed, moved within and between columns, deleted. Their dependencies and stages have their own files. */
import { isDeepStrictEqual } from 'node:util'
import type { CardChanges } from '../../shared/src/catalogue/boards.ts'
import type { CardEdit, CardMove, NewCard } from '../../shared/src/inputs/boards.ts'
import { type Card, DONE_COLUMN_KEY, IN_PROGRESS_COLUMN_KEY } from '../../shared/src/types/kanban.ts'
import { Problem } from '../base/errors.ts'
import { takeTicketKey } from '../db/rows/boards.ts'
import { listDependencies, listDependents, replaceDependencies } from '../db/rows/card-dependencies.ts'
import * as rows from '../db/rows/cards.ts'
import { type FoundColumn, findColumn, findColumnByKey } from '../db/rows/columns.ts'
import { clampIndex, insertionAt, moveBetween, removalAt } from '../db/rows/list-index.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { boardNotFound } from './boards.ts'
import { refuseBlocked, refuseOpen, resolveDependencies, resolveNewDependencies } from './card-dependencies.ts'
import { refuseStageChange } from './card-stages.ts'
import { targetColumn } from './columns.ts'
import { newId } from './ids.ts'
import { KNOWS_ALL, type Knows } from './knows.ts'

/** Fields that may change freely: no rule applies to them beyond their schema. */
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

/** Whether the card is in a done column; false when it does not exist. */
export async function isInDoneColumn(sql: Sql, cardId: string): Promise<boolean> {
  return (await rows.findColumnKeyOfCard(sql, cardId)) === DONE_COLUMN_KEY
}

/**
 * Creates a card. `index` is its list index in the column; it defaults to the end. Throws `board_not_found`,
 * `validation_failed` for an unknown column or dependency, and `blocked_by_dependencies` for a blocked card in an
 * `in_progress` column.
 */
export async function createCard(tx: Tx, boardId: string, input: NewCard): Promise<Card> {
  // Asked together, which saves a trip to PostgreSQL. A failure further down rolls the counter back.
  const finding = targetColumn(tx.sql, boardId, input)
  // Reported where it is awaited: first of all, the board must exist.
  finding.catch(() => {})
  const ticketKey = await takeTicketKey(tx.sql, boardId)
  if (ticketKey === undefined) throw boardNotFound(boardId)
  const column = await finding
  const dependencies = await resolveDependencies(tx.sql, boardId, input.dependsOn ?? [])
  if (column.key === IN_PROGRESS_COLUMN_KEY) refuseOpen(dependencies, `The card cannot be created in ${column.title}`)
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
  const index = clampIndex(input.index, column.size)
  if (index < column.size) await rows.shiftCards(tx.sql, column.id, insertionAt(index))
  await rows.insertCard(tx.sql, card, index)
  if (card.dependsOn.length > 0) await replaceDependencies(tx.sql, card.id, card.dependsOn)
  tx.emit('card.created', { boardId, cardId: card.id, card, columnId: column.id, index })
  const { assignedAgentId } = card
  // The agent's channel shows assignments, not creations.
  if (assignedAgentId !== null) emitChanges(tx, card, card, { assignedAgentId })
  return card
}

/**
 * Changes the given fields. When nothing changes there is no event and no new revision. Throws `card_not_found`,
 * `stale_revision`, `invalid_transition` for a stage, `validation_failed` or `dependency_cycle` for dependencies.
 */
export async function updateCard(tx: Tx, id: string, edit: CardEdit, knows: Knows = KNOWS_ALL): Promise<Card> {
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
    const dependencies = await resolveNewDependencies(tx.sql, card, edit.dependsOn, knows)
    Object.assign(changes, dependencyChanges(card, dependencies))
  }
  return changeCard(tx, card, changes)
}

/** Sets the URL of the card's pull request. */
export async function setPrUrl(tx: Tx, cardId: string, url: string): Promise<void> {
  const card = await getCard(tx.sql, cardId)
  await changeCard(tx, card, card.prUrl === url ? {} : { prUrl: url })
}

/**
 * Moves a card. `index` is its list index in the target column after it was removed from its old place; it defaults to the
 * end. Throws `card_not_found`, `stale_revision`, `validation_failed` for an unknown column, and `blocked_by_dependencies`
 * when a blocked card would enter an `in_progress` column.
 */
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
 * Moves a card to the end of the column with this key; does nothing when its board has no such column. Does not check
 * whether the card is blocked: the caller has.
 */
export async function moveCardToEnd(tx: Tx, cardId: string, columnKey: string): Promise<void> {
  const placed = await requireCard(tx.sql, cardId)
  const to = await findColumnByKey(tx.sql, placed.card.boardId, columnKey)
  if (to) await place(tx, placed, to, undefined)
}

/** Deletes a card, after removing it from the dependencies of other cards. Throws `card_not_found` or `stale_revision`. */
export async function deleteCard(tx: Tx, id: string, ifRevision: number | undefined): Promise<void> {
  const { card, index } = await requireCard(tx.sql, id)
  refuseStale(card, ifRevision)
  for (const dependentId of await listDependents(tx.sql, id)) {
    const dependent = await getCard(tx.sql, dependentId)
    const others = (await listDependencies(tx.sql, dependentId)).filter((dependency) => dependency.id !== id)
    await changeCard(tx, dependent, dependencyChanges(dependent, others))
  }
  await rows.deleteCard(tx.sql, id)
  await rows.shiftCards(tx.sql, card.columnId, removalAt(index))
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

/** Saves the changes, if any, and emits their events. */
async function changeCard(tx: Tx, card: Card, changes: CardChanges): Promise<Card> {
  if (Object.keys(changes).length === 0) return card
  const next: Card = { ...card, ...changes, revision: card.revision + 1, updatedAt: tx.now }
  await rows.updateCard(tx.sql, next)
  if (changes.dependsOn) await replaceDependencies(tx.sql, card.id, changes.dependsOn)
  emitChanges(tx, card, next, changes)
  return next
}

/** Emits one event for each kind of change; all carry the same revision. */
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

/** Moves the card and emits the event; does nothing when the card is already there. */
async function place(
  tx: Tx,
  { card, index: fromIndex }: rows.PlacedCard,
  to: FoundColumn,
  index: number | undefined,
): Promise<Card> {
  const within = to.id === card.columnId
  const toIndex = clampIndex(index, within ? to.size - 1 : to.size)
  if (within && toIndex === fromIndex) return card
  const from = within ? to : await findColumn(tx.sql, card.columnId)
  if (!from) throw new Error(`card ${card.id} is in no column`)
  if (within) await rows.shiftCards(tx.sql, to.id, moveBetween(fromIndex, toIndex))
  else {
    await rows.shiftCards(tx.sql, from.id, removalAt(fromIndex))
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
