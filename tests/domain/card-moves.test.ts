import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cardMove } from '../../shared/src/inputs/boards.ts'
import type { Card } from '../../shared/src/types/kanban.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { createCard, getCard, moveCard, moveCardToEnd } from '../../src/domain/cards.ts'
import { type DemoBoard, openDemoBoard } from './demo-board.ts'

let at: DemoBoard
beforeEach(async () => {
  at = await openDemoBoard()
})
afterEach(() => at.close())

describe('moving a card', () => {
  let cards: Record<string, Card>
  beforeEach(async () => {
    cards = {}
    for (const title of ['a', 'b', 'c', 'd']) cards[title] = await at.make(title)
    for (const title of ['x', 'y']) cards[title] = await at.make(title, { columnKey: 'review' })
    await at.said()
  })

  test.each([
    ['a', undefined, 3, 'b c d a'],
    ['a', 2, 2, 'b c a d'],
    ['d', 1, 1, 'a d b c'],
    ['b', 0, 0, 'b a c d'],
    ['c', -4, 0, 'c a b d'],
    ['b', 400, 3, 'a c d b'],
  ])('[C16] within its column, %s to index %j goes to %i', async (title, index, reached, order) => {
    const card = cards[title] as Card
    const move = cardMove.parse({ columnKey: 'backlog', ...(index !== undefined && { index }) })
    const next = await at.do((tx) => moveCard(tx, card.id, move))
    expect(await at.inColumn('backlog')).toBe(order)
    expect(next).toEqual({ ...card, revision: 2, updatedAt: next.updatedAt })
    expect(await at.said()).toEqual([
      {
        type: 'card.moved',
        payload: {
          boardId: 'demo',
          oldStatus: 'backlog',
          newStatus: 'backlog',
          cardId: card.id,
          fromColumnId: at.column.backlog,
          toColumnId: at.column.backlog,
          toIndex: reached,
          revision: 2,
          updatedAt: next.updatedAt,
        },
      },
    ])
  })

  test.each([
    [undefined, 2, 'x y b'],
    [0, 0, 'b x y'],
    [1, 1, 'x b y'],
    [-1, 0, 'b x y'],
    [3, 2, 'x y b'],
  ])('[C16] to another column, index %j goes to %i', async (index, reached, order) => {
    const card = cards.b as Card
    const next = await at.do((tx) => moveCard(tx, card.id, { columnId: at.column.review, index }))
    expect(await at.inColumn('backlog')).toBe('a c d')
    expect(await at.inColumn('review')).toBe(order)
    expect(next).toEqual({ ...card, columnId: at.column.review, revision: 2, updatedAt: next.updatedAt })
    expect(await getCard(at.sql, card.id)).toEqual(next)
    expect((await at.said()).map(({ payload }) => payload)).toEqual([
      expect.objectContaining({
        oldStatus: 'backlog',
        newStatus: 'review',
        fromColumnId: at.column.backlog,
        toColumnId: at.column.review,
        toIndex: reached,
      }),
    ])
  })

  test('[C17] a move to its own place changes nothing', async () => {
    const card = cards.d as Card
    for (const index of [undefined, 3, 99]) {
      expect(await at.do((tx) => moveCard(tx, card.id, { columnKey: 'backlog', index }))).toEqual(card)
    }
    expect(await at.said()).toEqual([])
  })

  test('[C18] refuses a column of another board', async () => {
    const other = await at.do((tx) => createBoard(tx, { name: 'Other' }))
    const foreign = await at.refused('validation_failed', (tx) =>
      moveCard(tx, cards.a?.id ?? '', { columnId: other.columns[0]?.id }),
    )
    expect(foreign.errors?.[0]?.path).toBe('columnId')
    const unknown = await at.refused('validation_failed', (tx) =>
      moveCard(tx, cards.a?.id ?? '', { columnKey: 'nope' }),
    )
    expect(unknown.errors?.[0]?.path).toBe('columnKey')
  })

  test('[C18] requires exactly one of columnId and columnKey, and an integer index', () => {
    expect(cardMove.safeParse({ index: 1 }).error?.issues.map(({ path }) => path)).toEqual([['columnId']])
    expect(cardMove.safeParse({ columnId: 'a', columnKey: 'b' }).error?.issues.map(({ path }) => path)).toEqual([
      ['columnKey'],
    ])
    expect(cardMove.safeParse({ columnKey: 'a', index: 1.5 }).success).toBe(false)
  })

  test('[C19] statuses are the titles of columns without a key', async () => {
    const columns = [{ title: 'Here' }, { title: 'There' }]
    const board = await at.do((tx) => createBoard(tx, { name: 'Keyless', columns }))
    const card = await at.do((tx) => createCard(tx, board.id, { title: 'x' }))
    await at.said()
    await at.do((tx) => moveCard(tx, card.id, { columnId: board.columns[1]?.id }))
    expect((await at.said())[0]?.payload).toMatchObject({ oldStatus: 'Here', newStatus: 'There' })
  })

  test('[C20] moves to the end of the column with a key, if there is one and the card is not in it', async () => {
    const id = cards.a?.id ?? ''
    await at.do((tx) => moveCardToEnd(tx, id, 'review'))
    await at.do((tx) => moveCardToEnd(tx, id, 'review'))
    await at.do((tx) => moveCardToEnd(tx, id, 'no_such_column'))
    expect(await at.inColumn('review')).toBe('x y a')
    expect((await at.said()).map(({ type, payload }) => [type, payload.toIndex, payload.revision])).toEqual([
      ['card.moved', 2, 2],
    ])
  })
})
