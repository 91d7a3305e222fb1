/** Rows of boards. */
import type { Board } from '../../../shared/src/types/kanban.ts'
import type { IdRange } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { clause, within } from './visible.ts'

/** A board without its columns, which have rows of their own. */
export type BoardFields = Omit<Board, 'columns'>

interface BoardRow {
  id: string
  name: string
  description: string | null
  ticket_prefix: string
  created_at: string
  updated_at: string
}

const BOARD = 'SELECT id, name, description, ticket_prefix, created_at, updated_at FROM boards'

export async function findBoard(sql: Sql, id: string): Promise<BoardFields | undefined> {
  const row = await sql.get<BoardRow>(`${BOARD} WHERE id = ?`, [id])
  return row && toBoard(row)
}

/** At most `limit` boards in the range of ids, oldest first. */
export async function listBoards(sql: Sql, range: IdRange, limit: number): Promise<BoardFields[]> {
  const seen = clause('WHERE', within('id', range))
  const rows = await sql.all<BoardRow>(`${BOARD} ${seen.text} ORDER BY position LIMIT ?`, [...seen.params, limit])
  return rows.map(toBoard)
}

export async function insertBoard(sql: Sql, board: BoardFields): Promise<void> {
  await sql.run(
    `INSERT INTO boards (id, name, description, ticket_prefix, created_at, updated_at, position)
     VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM boards))`,
    [board.id, board.name, board.description, board.ticketPrefix, board.createdAt, board.updatedAt],
  )
}

export async function updateBoard(sql: Sql, board: BoardFields): Promise<void> {
  await sql.run('UPDATE boards SET name = ?, description = ?, updated_at = ? WHERE id = ?', [
    board.name,
    board.description,
    board.updatedAt,
    board.id,
  ])
}

/** Deletes the board and, by cascade, everything on it. */
export async function deleteBoard(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM boards WHERE id = ?', [id])
}

/**
 * The next ticket key of a board; undefined when the board does not exist. The counter only grows, so the key of a deleted
 * card is never used again.
 */
export async function takeTicketKey(sql: Sql, boardId: string): Promise<string | undefined> {
  const row = await sql.get<{ ticket_prefix: string; last_ticket: number }>(
    'UPDATE boards SET last_ticket = last_ticket + 1 WHERE id = ? RETURNING ticket_prefix, last_ticket',
    [boardId],
  )
  return row && `${row.ticket_prefix}-${row.last_ticket}`
}

function toBoard(row: BoardRow): BoardFields {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    ticketPrefix: row.ticket_prefix,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
