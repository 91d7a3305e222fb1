import type { ColumnEdit, NewColumn } from '../../shared/src/inputs/boards.ts'
import type { Column } from '../../shared/src/types/kanban.ts'
import { invalidField, Problem } from '../base/errors.ts'
import { countCards } from '../db/rows/cards.ts'
import * as rows from '../db/rows/columns.ts'
import { insertionAt, moveBetween, removalAt } from '../db/rows/positions.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { requireBoard } from './boards.ts'
import { clampIndex } from './clamp.ts'
import { newId } from './ids.ts'

/** `index` is its place among the columns, the end when it is not given. */
export async function createColumn(tx: Tx, boardId: string, input: NewColumn): Promise<Column> {
  await requireBoard(tx.sql, boardId)
  const key = input.key ?? null
  await refuseTakenKey(tx.sql, boardId, key)
  const index = clampIndex(input.index, await rows.countColumns(tx.sql, boardId))
  const column: Column = { id: newId('col'), key, title: input.title, cardIds: [] }
  await rows.shiftColumns(tx.sql, boardId, insertionAt(index))
  await rows.insertColumn(tx.sql, { id: column.id, boardId, key, title: column.title, position: index })
  tx.emit('column.created', { boardId, column, index })
  return column
}

/** `index` is its place among the others. */
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
    if (index !== column.position) changes.index = index
  }
  if (Object.keys(changes).length > 0) {
    const { index = column.position, ...fields } = changes
    if (index !== column.position) await rows.shiftColumns(tx.sql, column.boardId, moveBetween(column.position, index))
    await rows.updateColumn(tx.sql, { ...column, ...fields, position: index })
    tx.emit('column.updated', { boardId: column.boardId, columnId: id, changes })
  }
  const { key = column.key, title = column.title } = changes
  return { id, key, title, cardIds: await rows.listCardIds(tx.sql, id) }
}

/** `column_not_empty` while it holds cards; `conflict` for the last column, as a board always has one. */
export async function deleteColumn(tx: Tx, id: string): Promise<void> {
  const column = await requireColumn(tx.sql, id)
  const cards = await countCards(tx.sql, id)
  if (cards > 0) {
    const what = cards === 1 ? '1 card' : `${cards} cards`
    throw new Problem(
      'column_not_empty',
      `The column ${column.title} holds ${what}. Move or delete what it holds first.`,
    )
  }
  if ((await rows.countColumns(tx.sql, column.boardId)) === 1) {
    throw new Problem('conflict', 'A board has at least one column. Add another before you delete this one.')
  }
  await rows.deleteColumn(tx.sql, id)
  await rows.shiftColumns(tx.sql, column.boardId, removalAt(column.position))
  tx.emit('column.deleted', { boardId: column.boardId, columnId: id })
}

/** The column of a board that a body names, the first when it names none. */
export async function targetColumn(
  sql: Sql,
  boardId: string,
  target: { columnId?: string | undefined; columnKey?: string | undefined },
): Promise<rows.ColumnFields> {
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

async function requireColumn(sql: Sql, id: string): Promise<rows.ColumnFields> {
  const column = await rows.findColumn(sql, id)
  if (!column) throw new Problem('column_not_found', `There is no column ${id}.`)
  return column
}

async function refuseTakenKey(sql: Sql, boardId: string, key: string | null): Promise<void> {
  if (key === null || !(await rows.findColumnByKey(sql, boardId, key))) return
  throw new Problem('conflict', `The board has a column with the key ${key} already. Choose another key.`)
}
