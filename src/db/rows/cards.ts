/** Rows of cards, with their dependencies and newest attempt. The column `position` is the list index of a card. */
import type { AttemptStatus, Card } from '../../../shared/src/types/kanban.ts'
import type { Sql } from '../sql.ts'
import { type Dependency, listDependencies, listDependenciesOfBoard } from './card-dependencies.ts'
import type { Shift } from './list-index.ts'

/** A card and its list index in its column. */
export interface PlacedCard {
  readonly card: Card
  readonly index: number
}

interface CardRow {
  id: string
  board_id: string
  column_id: string
  position: number
  ticket_key: string
  title: string
  description: string | null
  ticket_type: string | null
  priority: string | null
  labels: string
  stage: string | null
  assigned_agent_id: string | null
  is_enhanced: number
  pr_url: string | null
  revision: number
  created_at: string
  updated_at: string
  attempt_id: string | null
  attempt_status: string
  attempt_agent: string
}

/** Includes the newest attempt by creation. */
const CARD = `SELECT c.id, c.board_id, c.column_id, c.position, c.ticket_key, c.title, c.description, c.ticket_type,
    c.priority, c.labels, c.stage, c.assigned_agent_id, c.is_enhanced, c.pr_url, c.revision, c.created_at, c.updated_at,
    a.id AS attempt_id, a.status AS attempt_status, a.agent AS attempt_agent
  FROM cards c LEFT JOIN attempts a
    ON a.card_id = c.id AND a.ordinal = (SELECT max(n.ordinal) FROM attempts n WHERE n.card_id = c.id)`

export async function findCard(sql: Sql, id: string): Promise<PlacedCard | undefined> {
  const row = await sql.get<CardRow>(`${CARD} WHERE c.id = ?`, [id])
  return row && { card: toCard(row, await listDependencies(sql, id)), index: row.position }
}

/** Every card of a board, ordered by ticket key. Two queries, however many cards there are. */
export async function listCards(sql: Sql, boardId: string): Promise<Card[]> {
  const rows = await sql.all<CardRow>(`${CARD} WHERE c.board_id = ? ORDER BY c.ticket_key`, [boardId])
  const dependencies = new Map<string, Dependency[]>()
  for (const edge of await listDependenciesOfBoard(sql, boardId)) {
    const others = dependencies.get(edge.cardId)
    if (others) others.push(edge)
    else dependencies.set(edge.cardId, [edge])
  }
  return rows.map((row) => toCard(row, dependencies.get(row.id) ?? []))
}

/** The key of the column that holds the card; null when it has none, or when the card does not exist. */
export async function findColumnKeyOfCard(sql: Sql, cardId: string): Promise<string | null> {
  const row = await sql.get<{ column_key: string | null }>(
    'SELECT k.column_key FROM cards c JOIN board_columns k ON k.id = c.column_id WHERE c.id = ?',
    [cardId],
  )
  return row?.column_key ?? null
}

/** Inserts the card without its dependencies, which have rows of their own. */
export async function insertCard(sql: Sql, card: Card, index: number): Promise<void> {
  await sql.run(
    `INSERT INTO cards (id, board_id, column_id, position, ticket_key, title, description, ticket_type, priority, labels,
       stage, assigned_agent_id, is_enhanced, pr_url, revision, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      card.id,
      card.boardId,
      card.columnId,
      index,
      card.ticketKey,
      card.title,
      card.description,
      card.ticketType,
      card.priority,
      JSON.stringify(card.labels),
      card.stage,
      card.assignedAgentId,
      card.isEnhanced ? 1 : 0,
      card.prUrl,
      card.revision,
      card.createdAt,
      card.updatedAt,
    ],
  )
}

/** Saves the editable fields, `revision` and `updatedAt`; neither column and index nor dependencies. */
export async function updateCard(sql: Sql, card: Card): Promise<void> {
  await sql.run(
    `UPDATE cards SET title = ?, description = ?, ticket_type = ?, priority = ?, labels = ?, stage = ?,
       assigned_agent_id = ?, is_enhanced = ?, pr_url = ?, revision = ?, updated_at = ? WHERE id = ?`,
    [
      card.title,
      card.description,
      card.ticketType,
      card.priority,
      JSON.stringify(card.labels),
      card.stage,
      card.assignedAgentId,
      card.isEnhanced ? 1 : 0,
      card.prUrl,
      card.revision,
      card.updatedAt,
      card.id,
    ],
  )
}

/** Saves the card's column, its list index there, `revision` and `updatedAt`. */
export async function placeCard(sql: Sql, card: Card, index: number): Promise<void> {
  await sql.run('UPDATE cards SET column_id = ?, position = ?, revision = ?, updated_at = ? WHERE id = ?', [
    card.columnId,
    index,
    card.revision,
    card.updatedAt,
    card.id,
  ])
}

export async function shiftCards(sql: Sql, columnId: string, { first, last, by }: Shift): Promise<void> {
  await sql.run('UPDATE cards SET position = position + ? WHERE column_id = ? AND position BETWEEN ? AND ?', [
    by,
    columnId,
    first,
    last,
  ])
}

/** Deletes the card and, by cascade, its attempts and dependencies. */
export async function deleteCard(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM cards WHERE id = ?', [id])
}

function toCard(row: CardRow, dependencies: readonly Dependency[]): Card {
  return {
    id: row.id,
    boardId: row.board_id,
    columnId: row.column_id,
    ticketKey: row.ticket_key,
    title: row.title,
    description: row.description,
    ticketType: row.ticket_type as Card['ticketType'],
    priority: row.priority as Card['priority'],
    labels: JSON.parse(row.labels) as string[],
    stage: row.stage as Card['stage'],
    dependsOn: dependencies.map(({ id }) => id),
    blocked: dependencies.some(({ open }) => open),
    assignedAgentId: row.assigned_agent_id,
    isEnhanced: row.is_enhanced === 1,
    prUrl: row.pr_url,
    attempt:
      row.attempt_id === null
        ? null
        : { id: row.attempt_id, status: row.attempt_status as AttemptStatus, agent: row.attempt_agent },
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
