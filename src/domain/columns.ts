/** The columns of a board. */
import type { ColumnEdit, NewColumn } from '../../shared/src/inputs/boards.ts'
import type { Column } from '../../shared/src/types/kanban.ts'
import { invalidField, Problem } from '../base/errors.ts'
import * as rows from '../db/rows/columns.ts'
import { clampIndex, insertionAt, moveBetween, removalAt } from '../db/rows/list-index.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { requireBoard } from './boards.ts'
import { newId } from './ids.ts'

/**
 * Creates a column. `index` is its list index among the columns; it defaults to the end. Throws `board_not_found`, or
 * `conflict` when the key is taken.
 */
export async function createColumn(tx: Tx, boardId: string, input: NewColumn): Promise<Column> {
  await requireBoard(tx.sql, boardId)
  const key = input.key ?? null
  await refuseTakenKey(tx.sql, boardId, key)
  const index = clampIndex(input.index, await rows.countColumns(tx.sql, boardId))
  const column: Column = { id: newId('col'), key, title: input.title, cardIds: [] }
  await rows.shiftColumns(tx.sql, boardId, insertionAt(index))
  await rows.insertColumn(tx.sql, { id: column.id, boardId, key, title: column.title, index })
  tx.emit('column.created', { boardId, column, index })
  return column
}

/**
 * Changes the given fields; emits nothing when nothing changes. `index` is the list index among the other columns. Throws
 * `column_not_found`, or `conflict` when the key is taken.
 */
export async function updateColumn(tx: Tx, id: string, edit: ColumnEdit): Promise<Column> {
  const column = await requireColumn(tx.sql, id)
  const changes: ColumnEdit = {}
  if (edit.title !== undefined && edit.title !== column.title) changes.title = edit.title
  if (edit.key !== undefined && edit.key !== column.key) {
    await refuseTakenKey(tx.sql, column.boardId, edit.key)
    changes.key = edit.key
  }
  if (edit.index !== undefined) {
    const index = clampIndex(edit.index, (await rows.countColumns(tx.sql, column.boardId)) - 1)
    if (index !== column.index) changes.index = index
  }
  if (Object.keys(changes).length > 0) {
    const { index = column.index, ...fields } = changes
    if (index !== column.index) await rows.shiftColumns(tx.sql, column.boardId, moveBetween(column.index, index))
    await rows.updateColumn(tx.sql, { ...column, ...fields, index })
    tx.emit('column.updated', { boardId: column.boardId, columnId: id, changes })
  }
  const { key = column.key, title = column.title } = changes
  return { id, key, title, cardIds: await rows.listCardIds(tx.sql, id) }
}

/** Throws `column_not_found`; `column_not_empty` while it holds cards; `conflict` for the last column of a board. */
export async function deleteColumn(tx: Tx, id: string): Promise<void> {
  const column = await requireColumn(tx.sql, id)
  const { size } = column
  if (size > 0) {
    const what = size === 1 ? '1 card' : `${size} cards`
    throw new Problem(
      'column_not_empty',
      `The column ${column.title} holds ${what}. Move or delete what it holds first.`,
    )
  }
  if ((await rows.countColumns(tx.sql, column.boardId)) === 1) {
    throw new Problem('conflict', 'A board has at least one column. Add another before you delete this one.')
  }
  await rows.deleteColumn(tx.sql, id)
  await rows.shiftColumns(tx.sql, column.boardId, removalAt(column.index))
  tx.emit('column.deleted', { boardId: column.boardId, columnId: id })
}

/** The column that a body names by id or key; the first column by default. Throws `validation_failed`. */
export async function targetColumn(
  sql: Sql,
  boardId: string,
  target: { columnId?: string | undefined; columnKey?: string | undefined },
): Promise<rows.FoundColumn> {
  if (target.columnId !== undefined) {
    const column = await rows.findColumn(sql, target.columnId)
    if (column?.boardId !== boardId) throw invalidField('columnId', 'is not a column of this board')
    return column
  }
  if (target.columnKey !== undefined) {
    const column = await rows.findColumnByKey(sql, boardId, target.columnKey)
    if (!column) throw invalidField('columnKey', 'is not the key of a column of this board')
    return column
  }
  const first = await rows.findFirstColumn(sql, boardId)
  if (!first) throw new Error(`board ${boardId} has no column`)
  return first
}

async function requireColumn(sql: Sql, id: string): Promise<rows.FoundColumn> {
  const column = await rows.findColumn(sql, id)
  if (!column) throw new Problem('column_not_found', `There is no column ${id}.`)
  return column
}

async function refuseTakenKey(sql: Sql, boardId: string, key: string | null): Promise<void> {
  if (key === null || !(await rows.findColumnByKey(sql, boardId, key))) return
  throw new Problem('conflict', `The board already has a column with the key ${key}. Choose another key.`)
}
