import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { columnEdit, newColumn } from '../../shared/src/inputs/boards.ts'
import * as kanban from '../../shared/src/types/kanban.ts'
import { boardState } from '../../src/domain/board-state.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { createCard, getCard } from '../../src/domain/cards.ts'
import { createColumn, deleteColumn, updateColumn } from '../../src/domain/columns.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'

let at: BoardStore
let ids: string[]
beforeEach(async () => {
  at = await openBoardStore()
  const columns = ['a', 'b', 'c', 'done'].map((key) => ({ title: key.toUpperCase(), key }))
  ids = (await at.do((tx) => createBoard(tx, { id: 'demo', name: 'Demo', columns }))).columns.map(({ id }) => id)
  await at.said()
})
afterEach(() => at.close())

async function titles(): Promise<string[]> {
  const state = await boardState(at.sql, 'demo')
  return state?.columnOrder.map((id) => state.columns[id]?.title ?? '') ?? []
}

async function positions(): Promise<number[]> {
  const rows = await at.sql.all<{ position: number }>('SELECT position FROM board_columns ORDER BY position')
  return rows.map(({ position }) => position)
}

describe('adding a column', () => {
  test.each([
    [undefined, 4, 'A B C DONE QA'],
    [0, 0, 'QA A B C DONE'],
    [2, 2, 'A B QA C DONE'],
    [-7, 0, 'QA A B C DONE'],
    [99, 4, 'A B C DONE QA'],
  ])('[L1] index %j gives %i', async (index, reached, order) => {
    const input = newColumn.parse({ title: 'QA', key: 'qa', ...(index !== undefined && { index }) })
    const column = await at.do((tx) => createColumn(tx, 'demo', input))
    kanban.column.parse(column)
    expect(column).toMatchObject({ key: 'qa', title: 'QA', cardIds: [] })
    expect(await at.said()).toEqual([{ type: 'column.created', payload: { boardId: 'demo', column, index: reached } }])
    expect((await titles()).join(' ')).toBe(order)
    expect(await positions()).toEqual([0, 1, 2, 3, 4])
  })

  test('[L2] keys are unique on a board; any number of columns may have none', async () => {
    await at.refused('conflict', (tx) => createColumn(tx, 'demo', { title: 'Again', key: 'a' }))
    await at.do((tx) => createColumn(tx, 'demo', { title: 'X' }))
    await at.do((tx) => createColumn(tx, 'demo', { title: 'X', key: null }))
    await at.do((tx) => createBoard(tx, { id: 'other', name: 'Other', columns: [{ title: 'A', key: 'a' }] }))
    await at.refused('conflict', (tx) => updateColumn(tx, ids[1] ?? '', { title: 'New', key: 'a' }))
  })

  test('[L1] the board must exist', async () => {
    await at.refused('board_not_found', (tx) => createColumn(tx, 'nowhere', { title: 'X' }))
  })

  test.each(['Upper', 'with space', '', '_x'])('[L2] refuses the key %j', (key) => {
    expect(newColumn.safeParse({ title: 'X', key }).success).toBe(false)
    expect(columnEdit.safeParse({ key }).success).toBe(false)
  })
})

describe('changing a column', () => {
  test.each([
    [0, 2, 2, 'B C A DONE'],
    [2, 0, 0, 'C A B DONE'],
    [3, -1, 0, 'DONE A B C'],
    [0, 99, 3, 'B C DONE A'],
  ])('[L3] the column at %i goes to index %i, clamped to %i', async (from, index, reached, order) => {
    await at.do((tx) => updateColumn(tx, ids[from] ?? '', { index }))
    expect(await at.said()).toEqual([
      { type: 'column.updated', payload: { boardId: 'demo', columnId: ids[from], changes: { index: reached } } },
    ])
    expect((await titles()).join(' ')).toBe(order)
    expect(await positions()).toEqual([0, 1, 2, 3])
  })

  test('[L4] emits only what changed, and returns the column with its cards', async () => {
    const card = await at.do((tx) => createCard(tx, 'demo', { title: 'x' }))
    await at.said()
    const column = await at.do((tx) => updateColumn(tx, ids[0] ?? '', { title: 'Start', key: 'a', index: 0 }))
    expect(column).toEqual({ id: ids[0], key: 'a', title: 'Start', cardIds: [card.id] })
    expect(await at.said()).toEqual([
      { type: 'column.updated', payload: { boardId: 'demo', columnId: ids[0], changes: { title: 'Start' } } },
    ])
  })

  test('[L4] does nothing when nothing changes', async () => {
    await at.do((tx) => updateColumn(tx, ids[3] ?? '', { title: 'DONE', key: 'done', index: 50 }))
    await at.do((tx) => updateColumn(tx, ids[3] ?? '', {}))
    expect(await at.said()).toEqual([])
    await at.refused('column_not_found', (tx) => updateColumn(tx, 'col_none', { title: 'x' }))
  })

  test('[L5] a column that becomes or stops being `done` changes which cards are blocked, not their revision', async () => {
    const first = await at.do((tx) => createCard(tx, 'demo', { title: 'first', columnKey: 'c' }))
    const second = await at.do((tx) => createCard(tx, 'demo', { title: 'second', dependsOn: [first.id] }))
    expect(second.blocked).toBe(true)
    await at.do((tx) => updateColumn(tx, ids[3] ?? '', { key: null }))
    await at.do((tx) => updateColumn(tx, ids[2] ?? '', { key: 'done' }))
    expect(await getCard(at.sql, second.id)).toEqual({ ...second, blocked: false })
    await at.do((tx) => updateColumn(tx, ids[2] ?? '', { key: null }))
    expect(await getCard(at.sql, second.id)).toEqual(second)
  })
})

describe('deleting a column', () => {
  test('[L6] deletes an empty one, and the others close the gap', async () => {
    await at.do((tx) => deleteColumn(tx, ids[1] ?? ''))
    expect(await at.said()).toEqual([{ type: 'column.deleted', payload: { boardId: 'demo', columnId: ids[1] } }])
    expect((await titles()).join(' ')).toBe('A C DONE')
    expect(await positions()).toEqual([0, 1, 2])
    await at.refused('column_not_found', (tx) => deleteColumn(tx, ids[1] ?? ''))
  })

  test('[L6] refuses one that holds a card', async () => {
    await at.do((tx) => createCard(tx, 'demo', { title: 'x', columnKey: 'b' }))
    await at.refused('column_not_empty', (tx) => deleteColumn(tx, ids[1] ?? ''))
  })

  test('[L7] refuses the last one', async () => {
    for (const id of ids.slice(1)) await at.do((tx) => deleteColumn(tx, id))
    await at.refused('conflict', (tx) => deleteColumn(tx, ids[0] ?? ''))
  })
})
