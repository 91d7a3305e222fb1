import type { BoardState } from '../../shared/src/types/kanban.ts'
import { findBoard } from '../db/rows/boards.ts'
import { listCards } from '../db/rows/cards.ts'
import { listColumnsWithCards } from '../db/rows/columns.ts'
import type { Sql } from '../db/sql.ts'

/** A whole board, as `state` frames show it; null when there is no such board. Four queries, however big the board. */
export async function boardState(sql: Sql, id: string): Promise<BoardState | null> {
  if (!(await findBoard(sql, id))) return null
  const columns = await listColumnsWithCards(sql, id)
  const cards = await listCards(sql, id)
  return {
    boardId: id,
    columns: Object.fromEntries(columns.map((column) => [column.id, column])),
    columnOrder: columns.map((column) => column.id),
    cards: Object.fromEntries(cards.map((card) => [card.id, card])),
  }
}
