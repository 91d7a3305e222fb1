import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { boardEdit, newBoard } from '../../shared/src/inputs/boards.ts'
import * as kanban from '../../shared/src/types/kanban.ts'
import { boardState } from '../../src/domain/board-state.ts'
import {
  boardExists,
  createBoard,
  deleteBoard,
  getBoardWithState,
  listBoards,
  updateBoard,
} from '../../src/domain/boards.ts'
import { createCard } from '../../src/domain/cards.ts'
import { ticketPrefixFor } from '../../src/domain/ticket-prefix.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'

let at: BoardStore
beforeEach(async () => {
  at = await openBoardStore()
})
afterEach(() => at.close())

describe('creating a board', () => {
  test('[B1] has the four default columns, in order, empty, with their keys', async () => {
    const board = await at.do((tx) => createBoard(tx, { name: 'Agent work' }))
    expect(board.columns.map(({ key, title, cardIds }) => [key, title, cardIds])).toEqual([
      ['backlog', 'Backlog', []],
      ['in_progress', 'In Progress', []],
      ['review', 'Review', []],
      ['done', 'Done', []],
    ])
    expect(board).toMatchObject({ name: 'Agent work', description: null, ticketPrefix: 'AW' })
    expect(board.id).toMatch(/^brd_[0-9a-f-]{36}$/)
    kanban.board.parse(board)
    expect(await at.said()).toEqual([{ type: 'board.created', payload: { boardId: board.id, board } }])
  })

  test('[B1] uses the given columns instead; a column without a key has none', async () => {
    const columns = [{ title: 'To do', key: 'todo' }, { title: 'Doing' }, { title: 'Shelf', key: null }]
    const board = await at.do((tx) => createBoard(tx, newBoard.parse({ name: 'X', columns })))
    expect(board.columns.map(({ key, title }) => [key, title])).toEqual([
      ['todo', 'To do'],
      [null, 'Doing'],
      [null, 'Shelf'],
    ])
    expect((await getBoardWithState(at.sql, board.id)).board).toEqual(board)
  })

  test('[B1] refuses an empty list of columns, and two with one key', async () => {
    expect(newBoard.safeParse({ name: 'X', columns: [] }).success).toBe(false)
    const columns = [{ title: 'A', key: 'a' }, { title: 'B' }, { title: 'C' }, { title: 'D', key: 'a' }]
    const refusal = await at.refused('validation_failed', (tx) => createBoard(tx, { name: 'X', columns }))
    expect(refusal.errors?.map(({ path }) => path)).toEqual(['columns.3.key'])
  })

  test('[B2] uses the given id, once', async () => {
    const board = await at.do((tx) => createBoard(tx, { id: 'demo', name: 'Demo' }))
    expect(board.id).toBe('demo')
    await at.refused('conflict', (tx) => createBoard(tx, { id: 'demo', name: 'Other' }))
  })

  test.each(['Demo', '-x', '', 'a b', 'é', 'x'.repeat(65)])('[B2] refuses the id %j', (id) => {
    expect(newBoard.safeParse({ id, name: 'X' }).success).toBe(false)
  })

  test.each([
    ['Demo', 'DEMO'],
    ['Boardcast', 'BOAR'],
    ['a', 'A'],
    ['Agent work board', 'AWB'],
    ['one two three four five six seven', 'OTTFFS'],
    ['web-app v2', 'WAV'],
    ["Bob's board", 'BB'],
    ['Über Ähre', 'UA'],
    ['看板', 'CARD'],
    ['\u0000 🙂', 'CARD'],
  ])('[B3] the prefix for %j is %s', (name, prefix) => {
    expect(ticketPrefixFor(name)).toBe(prefix)
    kanban.ticketPrefix.parse(prefix)
  })

  test('[B3] uses the given prefix', async () => {
    const board = await at.do((tx) => createBoard(tx, { name: 'Agent work', ticketPrefix: 'Z9' }))
    expect(board.ticketPrefix).toBe('Z9')
    const card = await at.do((tx) => createCard(tx, board.id, { title: 'x' }))
    expect(card.ticketKey).toBe('Z9-1')
  })
})

describe('reading boards', () => {
  test('[B4] lists the oldest first with their columns and cards, up to the limit', async () => {
    const made = []
    for (const id of ['a', 'b', 'c']) made.push(await at.do((tx) => createBoard(tx, { id, name: id })))
    const card = await at.do((tx) => createCard(tx, 'b', { title: 'x', columnKey: 'review' }))
    made[1]?.columns[2]?.cardIds.push(card.id)
    expect(await listBoards(at.sql, 100)).toEqual(made)
    expect(await listBoards(at.sql, 2)).toEqual(made.slice(0, 2))
  })

  test('[B5] returns a board with its state, which has the same columns', async () => {
    await at.do((tx) => createBoard(tx, { id: 'demo', name: 'Demo' }))
    const card = await at.do((tx) => createCard(tx, 'demo', { title: 'x' }))
    const { board, state } = await getBoardWithState(at.sql, 'demo')
    kanban.board.parse(board)
    kanban.boardState.parse(state)
    expect(board.columns[0]?.cardIds).toEqual([card.id])
    expect(state.columnOrder.map((id) => state.columns[id])).toEqual(board.columns)
    expect(state.cards).toEqual({ [card.id]: card })
    expect(await boardState(at.sql, 'demo')).toEqual(state)
  })

  test('[B5] a board that does not exist has no state', async () => {
    expect(await boardExists(at.sql, 'demo')).toBe(false)
    expect(await boardState(at.sql, 'demo')).toBeNull()
    await expect(getBoardWithState(at.sql, 'demo')).rejects.toMatchObject({ code: 'board_not_found' })
  })

  test('[B5] the state of a board takes the same few queries for 1 card and for 200', async () => {
    await at.do((tx) => createBoard(tx, { id: 'demo', name: 'Demo' }))
    let queries = 0
    const counting = {
      get: <Row extends object>(query: string, params?: readonly (string | number | null)[]) => {
        queries++
        return at.sql.get<Row>(query, params)
      },
      all: <Row extends object>(query: string, params?: readonly (string | number | null)[]) => {
        queries++
        return at.sql.all<Row>(query, params)
      },
      values: at.sql.values,
      run: at.sql.run,
    }
    const first = await at.do((tx) => createCard(tx, 'demo', { title: 'first' }))
    await boardState(counting, 'demo')
    const few = queries
    await at.do(async (tx) => {
      for (let n = 0; n < 199; n++) await createCard(tx, 'demo', { title: `${n}`, dependsOn: [first.id] })
    })
    queries = 0
    const state = await boardState(counting, 'demo')
    expect(Object.keys(state?.cards ?? {})).toHaveLength(200)
    expect(queries).toBe(few)
  })
})

describe('changing a board', () => {
  beforeEach(async () => {
    await at.do((tx) => createBoard(tx, { id: 'demo', name: 'Demo' }))
    await at.said()
  })

  test('[B6] emits only what changed', async () => {
    const board = await at.do((tx) => updateBoard(tx, 'demo', { name: 'Demo', description: 'New' }))
    expect(board).toMatchObject({ name: 'Demo', description: 'New', ticketPrefix: 'DEMO' })
    expect(board.columns).toHaveLength(4)
    expect(await at.said()).toEqual([
      { type: 'board.updated', payload: { boardId: 'demo', changes: { description: 'New' } } },
    ])
    expect((await getBoardWithState(at.sql, 'demo')).board).toEqual(board)
  })

  test('[B6] does nothing when nothing changes', async () => {
    const { board } = await getBoardWithState(at.sql, 'demo')
    expect(await at.do((tx) => updateBoard(tx, 'demo', {}))).toEqual(board)
    expect(await at.do((tx) => updateBoard(tx, 'demo', { name: 'Demo', description: null }))).toEqual(board)
    expect(await at.said()).toEqual([])
  })

  test('[B6] nothing but name and description can be changed', async () => {
    expect(boardEdit.safeParse({ ticketPrefix: 'X' }).success).toBe(false)
    await at.refused('board_not_found', (tx) => updateBoard(tx, 'other', { name: 'X' }))
  })

  test('[B7] deletes everything on the board, and nothing on other boards', async () => {
    await at.do((tx) => createBoard(tx, { id: 'other', name: 'Other' }))
    const kept = await at.do((tx) => createCard(tx, 'other', { title: 'kept' }))
    const a = await at.do((tx) => createCard(tx, 'demo', { title: 'a' }))
    await at.do((tx) => createCard(tx, 'demo', { title: 'b', dependsOn: [a.id] }))
    await at.said()
    await at.do((tx) => deleteBoard(tx, 'demo'))
    expect(await at.said()).toEqual([{ type: 'board.deleted', payload: { boardId: 'demo' } }])
    expect(await boardExists(at.sql, 'demo')).toBe(false)
    for (const table of ['board_columns', 'cards']) {
      expect(await at.sql.all(`SELECT id FROM ${table} WHERE board_id = ?`, ['demo'])).toEqual([])
    }
    expect(await at.sql.all('SELECT card_id FROM card_dependencies')).toEqual([])
    expect((await boardState(at.sql, 'other'))?.cards).toEqual({ [kept.id]: kept })
    await at.refused('board_not_found', (tx) => deleteBoard(tx, 'demo'))
  })
})
