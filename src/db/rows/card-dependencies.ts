/** Rows of the dependencies between cards of a board. */
import { DONE_COLUMN_KEY } from '../../../shared/src/types/kanban.ts'
import type { Sql } from '../sql.ts'

/** A card that another card waits for. */
export interface Dependency {
  readonly id: string
  readonly ticketKey: string
  /** It is not in a `done` column, so cards that wait for it are blocked. */
  readonly open: boolean
}

/** `cardId` waits for the dependency. */
export interface DependencyEdge extends Dependency {
  readonly cardId: string
}

interface DependencyRow {
  card_id: string
  id: string
  ticket_key: string
  column_key: string | null
}

const EDGE = `SELECT d.card_id, t.id, t.ticket_key, k.column_key FROM card_dependencies d
  JOIN cards t ON t.id = d.depends_on JOIN board_columns k ON k.id = t.column_id`

/** Undefined when the board has no such card. */
export async function findDependency(sql: Sql, boardId: string, cardId: string): Promise<Dependency | undefined> {
  const row = await sql.get<Omit<DependencyRow, 'card_id'>>(
    `SELECT t.id, t.ticket_key, k.column_key FROM cards t JOIN board_columns k ON k.id = t.column_id
     WHERE t.id = ? AND t.board_id = ?`,
    [cardId, boardId],
  )
  return row && toDependency(row)
}

/** What a card waits for, in the order that the client gave. */
export async function listDependencies(sql: Sql, cardId: string): Promise<Dependency[]> {
  const rows = await sql.all<DependencyRow>(`${EDGE} WHERE d.card_id = ? ORDER BY d.position`, [cardId])
  return rows.map(toDependency)
}

/** What the cards of a board wait for, grouped by card, each in the order that the client gave. */
export async function listDependenciesOfBoard(sql: Sql, boardId: string): Promise<DependencyEdge[]> {
  const rows = await sql.all<DependencyRow>(
    `${EDGE} JOIN cards c ON c.id = d.card_id WHERE c.board_id = ? ORDER BY d.card_id, d.position`,
    [boardId],
  )
  return rows.map((row) => ({ cardId: row.card_id, ...toDependency(row) }))
}

/** The ids of the cards that wait for a card, oldest first. */
export async function listDependents(sql: Sql, cardId: string): Promise<string[]> {
  const rows = await sql.all<{ id: string }>(
    `SELECT c.id FROM card_dependencies d JOIN cards c ON c.id = d.card_id
     WHERE d.depends_on = ? ORDER BY c.created_at, c.id`,
    [cardId],
  )
  return rows.map(({ id }) => id)
}

export async function replaceDependencies(sql: Sql, cardId: string, dependsOn: readonly string[]): Promise<void> {
  await sql.run('DELETE FROM card_dependencies WHERE card_id = ?', [cardId])
  for (const [position, id] of dependsOn.entries()) {
    await sql.run('INSERT INTO card_dependencies (card_id, depends_on, position) VALUES (?, ?, ?)', [
      cardId,
      id,
      position,
    ])
  }
}

function toDependency(row: Omit<DependencyRow, 'card_id'>): Dependency {
  return { id: row.id, ticketKey: row.ticket_key, open: row.column_key !== DONE_COLUMN_KEY }
}
