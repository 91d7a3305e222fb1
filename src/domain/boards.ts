import { channelName } from '../../shared/src/channels.ts'
import type { BoardEdit, NewBoard } from '../../shared/src/inputs/boards.ts'
import type { Board, BoardState, Column } from '../../shared/src/types/kanban.ts'
import { ChannelPatterns } from '../base/channel-patterns.ts'
import { invalidField, Problem } from '../base/errors.ts'
import * as rows from '../db/rows/boards.ts'
import { insertColumn, listColumnsOfBoards, listColumnsWithCards } from '../db/rows/columns.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { boardState } from './board-state.ts'
import { newId } from './ids.ts'
import { KNOWS_ALL, type Knows } from './knows.ts'
import { ticketPrefixFor } from './ticket-prefix.ts'

const DEFAULT_COLUMNS: NonNullable<NewBoard['columns']> = [
  { title: 'Backlog', key: 'backlog' },
  { title: 'In Progress', key: 'in_progress' },
  { title: 'Review', key: 'review' },
  { title: 'Done', key: 'done' },
]

export async function boardExists(sql: Sql, id: string): Promise<boolean> {
  return (await rows.findBoard(sql, id)) !== undefined
}

/** The board without its columns. Throws `board_not_found`; so do all functions here that take a board's id. */
export async function requireBoard(sql: Sql, id: string): Promise<rows.BoardFields> {
  const board = await rows.findBoard(sql, id)
  if (!board) throw boardNotFound(id)
  return board
}

export function boardNotFound(id: string): Problem {
  return new Problem('board_not_found', `There is no board ${id}.`)
}

/** Throws `validation_failed` when the field `boardId` of a body names a board that does not exist, or is not known. */
export async function checkBoardId(sql: Sql, boardId: string | null, knows: Knows = KNOWS_ALL): Promise<void> {
  if (boardId !== null && !((await boardExists(sql, boardId)) && knows(channelName('board', boardId)))) {
    throw invalidField('boardId', `must name a board, but there is no board ${boardId}`)
  }
}

/** At most `limit` boards that `sees` matches, oldest first. */
export async function listBoards(
  sql: Sql,
  limit: number,
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<Board[]> {
  const range = sees.idsOf('board')
  const boards = await rows.listBoards(sql, range, limit)
  const columns = await listColumnsOfBoards(sql, range, limit)
  return boards.map((board) => withColumns(board, columns.get(board.id) ?? []))
}

/** The board and its state. Call it in one `store.read`, so that both show the same instant. */
export async function getBoardWithState(sql: Sql, id: string): Promise<{ board: Board; state: BoardState }> {
  const board = await requireBoard(sql, id)
  const state = await boardState(sql, id)
  if (!state) throw new Error(`board ${id} disappeared within one read`)
  const columns = state.columnOrder.flatMap((columnId) => state.columns[columnId] ?? [])
  return { board: withColumns(board, columns), state }
}

/** Creates a board, with four default columns unless columns are given. Throws `conflict` when the id is taken. */
export async function createBoard(tx: Tx, input: NewBoard): Promise<Board> {
  const id = input.id ?? newId('brd')
  if (await boardExists(tx.sql, id)) throw new Problem('conflict', `The board ${id} already exists. Choose another id.`)
  const wanted = input.columns ?? DEFAULT_COLUMNS
  refuseRepeatedKeys(wanted)
  const fields: rows.BoardFields = {
    id,
    name: input.name,
    description: input.description ?? null,
    ticketPrefix: input.ticketPrefix ?? ticketPrefixFor(input.name),
    createdAt: tx.now,
    updatedAt: tx.now,
  }
  await rows.insertBoard(tx.sql, fields)
  const columns = wanted.map(({ title, key = null }): Column => ({ id: newId('col'), key, title, cardIds: [] }))
  for (const [index, column] of columns.entries()) {
    await insertColumn(tx.sql, { id: column.id, boardId: id, key: column.key, title: column.title, index })
  }
  const board = withColumns(fields, columns)
  tx.emit('board.created', { boardId: id, board })
  return board
}

/** Changes the given fields. Emits nothing when nothing changes. */
export async function updateBoard(tx: Tx, id: string, edit: BoardEdit): Promise<Board> {
  const board = await requireBoard(tx.sql, id)
  const columns = await listColumnsWithCards(tx.sql, id)
  const changes: BoardEdit = {}
  if (edit.name !== undefined && edit.name !== board.name) changes.name = edit.name
  if (edit.description !== undefined && edit.description !== board.description) changes.description = edit.description
  if (Object.keys(changes).length === 0) return withColumns(board, columns)
  const next = { ...board, ...changes, updatedAt: tx.now }
  await rows.updateBoard(tx.sql, next)
  tx.emit('board.updated', { boardId: id, changes })
  return withColumns(next, columns)
}

/** Deletes the board with everything on it; `board.deleted` is the only event. */
export async function deleteBoard(tx: Tx, id: string): Promise<void> {
  await requireBoard(tx.sql, id)
  await rows.deleteBoard(tx.sql, id)
  tx.emit('board.deleted', { boardId: id })
}

function refuseRepeatedKeys(columns: NonNullable<NewBoard['columns']>): void {
  const seen = new Set<string>()
  for (const [index, { key }] of columns.entries()) {
    if (key === undefined || key === null) continue
    if (seen.has(key)) throw invalidField(`columns.${index}.key`, 'repeats the key of another column')
    seen.add(key)
  }
}

/** Lists the fields in the order of the schema, which is their order in JSON. */
function withColumns(
  { id, name, description, ticketPrefix, createdAt, updatedAt }: rows.BoardFields,
  columns: Column[],
): Board {
  return { id, name, description, ticketPrefix, columns, createdAt, updatedAt }
}
