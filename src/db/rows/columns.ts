/** Rows of columns. The column `position` of the table is the list index of a column on its board. */
import type { Column } from '../../../shared/src/types/kanban.ts'
import type { IdRange } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import type { Shift } from './list-index.ts'
import { clause, within } from './visible.ts'

/** A column without its cards. */
export interface ColumnFields {
  readonly id: string
  readonly boardId: string
  readonly key: string | null
  readonly title: string
  /** Its list index among the columns of its board. */
  readonly index: number
}

export interface FoundColumn extends ColumnFields {
  /** The number of its cards. */
  readonly size: number
}

interface ColumnRow {
  id: string
  board_id: string
  column_key: string | null
  title: string
  position: number
  last: number | null
}

/** One row per card of a column; a single row with `card_id` null for an empty column. */
interface ColumnAndCardRow {
  id: string
  board_id: string
  column_key: string | null
  title: string
  card_id: string | null
}

/**
 * List indexes are dense, so the last one gives the number of cards; counting rows would get slower with it. So would max()
 * in PostgreSQL, which plans it while the table is small.
 */
const COLUMN = `SELECT id, board_id, column_key, title, position,
    (SELECT c.position FROM cards c WHERE c.column_id = board_columns.id ORDER BY c.position DESC LIMIT 1) AS last
  FROM board_columns`
const COLUMN_AND_CARD = `SELECT k.id, k.board_id, k.column_key, k.title, c.id AS card_id
  FROM board_columns k LEFT JOIN cards c ON c.column_id = k.id`

export async function findColumn(sql: Sql, id: string): Promise<FoundColumn | undefined> {
  const row = await sql.get<ColumnRow>(`${COLUMN} WHERE id = ?`, [id])
  return row && toColumn(row)
}

export async function findColumnByKey(sql: Sql, boardId: string, key: string): Promise<FoundColumn | undefined> {
  const row = await sql.get<ColumnRow>(`${COLUMN} WHERE board_id = ? AND column_key = ?`, [boardId, key])
  return row && toColumn(row)
}

export async function findFirstColumn(sql: Sql, boardId: string): Promise<FoundColumn | undefined> {
  const row = await sql.get<ColumnRow>(`${COLUMN} WHERE board_id = ? ORDER BY position LIMIT 1`, [boardId])
  return row && toColumn(row)
}

/** The columns of a board with the ids of their cards, both in display order. */
export async function listColumnsWithCards(sql: Sql, boardId: string): Promise<Column[]> {
  const rows = await sql.all<ColumnAndCardRow>(
    `${COLUMN_AND_CARD} WHERE k.board_id = ? ORDER BY k.position, c.position`,
    [boardId],
  )
  return gather(rows).map(({ column }) => column)
}

/** Like `listColumnsWithCards`, by board id, for the boards that `listBoards` returns with the same limit. */
export async function listColumnsOfBoards(
  sql: Sql,
  range: IdRange,
  limit: number,
): Promise<ReadonlyMap<string, Column[]>> {
  const seen = clause('WHERE', within('id', range))
  const rows = await sql.all<ColumnAndCardRow>(
    `${COLUMN_AND_CARD}
     WHERE k.board_id IN (SELECT id FROM boards ${seen.text} ORDER BY position LIMIT ?)
     ORDER BY k.board_id, k.position, c.position`,
    [...seen.params, limit],
  )
  const columns = new Map<string, Column[]>()
  for (const { boardId, column } of gather(rows)) {
    const others = columns.get(boardId)
    if (others) others.push(column)
    else columns.set(boardId, [column])
  }
  return columns
}

export async function listCardIds(sql: Sql, columnId: string): Promise<string[]> {
  const rows = await sql.all<{ id: string }>('SELECT id FROM cards WHERE column_id = ? ORDER BY position', [columnId])
  return rows.map(({ id }) => id)
}

export async function countColumns(sql: Sql, boardId: string): Promise<number> {
  const row = await sql.get<{ n: number }>('SELECT count(*) AS n FROM board_columns WHERE board_id = ?', [boardId])
  return row?.n ?? 0
}

export async function insertColumn(sql: Sql, column: ColumnFields): Promise<void> {
  await sql.run('INSERT INTO board_columns (id, board_id, column_key, title, position) VALUES (?, ?, ?, ?, ?)', [
    column.id,
    column.boardId,
    column.key,
    column.title,
    column.index,
  ])
}

export async function updateColumn(sql: Sql, column: ColumnFields): Promise<void> {
  await sql.run('UPDATE board_columns SET column_key = ?, title = ?, position = ? WHERE id = ?', [
    column.key,
    column.title,
    column.index,
    column.id,
  ])
}

export async function shiftColumns(sql: Sql, boardId: string, { first, last, by }: Shift): Promise<void> {
  await sql.run('UPDATE board_columns SET position = position + ? WHERE board_id = ? AND position BETWEEN ? AND ?', [
    by,
    boardId,
    first,
    last,
  ])
}

export async function deleteColumn(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM board_columns WHERE id = ?', [id])
}

function toColumn(row: ColumnRow): FoundColumn {
  return {
    id: row.id,
    boardId: row.board_id,
    key: row.column_key,
    title: row.title,
    index: row.position,
    size: (row.last ?? -1) + 1,
  }
}

/** Groups the rows by column; the rows of one column must be adjacent. */
function gather(rows: readonly ColumnAndCardRow[]): Array<{ boardId: string; column: Column }> {
  const gathered: Array<{ boardId: string; column: Column }> = []
  let column: Column | undefined
  for (const row of rows) {
    if (column?.id !== row.id) {
      column = { id: row.id, key: row.column_key, title: row.title, cardIds: [] }
      gathered.push({ boardId: row.board_id, column })
    }
    if (row.card_id !== null) column.cardIds.push(row.card_id)
  }
  return gathered
}
