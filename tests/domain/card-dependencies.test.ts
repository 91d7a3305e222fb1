import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBoard } from '../../src/domain/boards.ts'
import { createCard, deleteCard, getCard, isInDoneColumn, moveCard, updateCard } from '../../src/domain/cards.ts'
import { type DemoBoard, openDemoBoard } from './demo-board.ts'

let at: DemoBoard
beforeEach(async () => {
  at = await openDemoBoard()
})
afterEach(() => at.close())

describe('dependencies', () => {
  test('[C12] are replaced as a whole, in the given order; the card itself and duplicates are dropped', async () => {
    const [a, b, c] = [await at.make('a'), await at.make('b', { columnKey: 'done' }), await at.make('c')]
    const made = await at.make('d', { dependsOn: [b.id, a.id, b.id] })
    expect(made).toMatchObject({ dependsOn: [b.id, a.id], blocked: true })
    const next = await at.edit(made, { dependsOn: [made.id, c.id, b.id, c.id] })
    expect(next).toMatchObject({ dependsOn: [c.id, b.id], blocked: true })
    expect(await getCard(at.sql, made.id)).toEqual(next)
    expect(await at.edit(next, { dependsOn: [] })).toMatchObject({ dependsOn: [], blocked: false })
  })

  test('[C12] `blocked` is in the changes only when it changed', async () => {
    const [a, b] = [await at.make('a'), await at.make('b')]
    const card = await at.make('c')
    await at.said()
    await at.edit(card, { dependsOn: [a.id] })
    await at.edit(card, { dependsOn: [a.id, b.id] })
    await at.edit(card, { dependsOn: [], title: 'free' })
    expect((await at.said()).map(({ payload }) => payload.changes)).toEqual([
      { dependsOn: [a.id], blocked: true },
      { dependsOn: [a.id, b.id] },
      { title: 'free', dependsOn: [], blocked: false },
    ])
  })

  test('[C12] an unknown card and one of another board are refused, each by its path', async () => {
    await at.do((tx) => createBoard(tx, { id: 'other', name: 'Other' }))
    const foreign = await at.do((tx) => createCard(tx, 'other', { title: 'x' }))
    const a = await at.make('a')
    const dependsOn = [a.id, foreign.id, 'crd_none']
    const onCreate = await at.refused('validation_failed', (tx) => createCard(tx, 'demo', { title: 'x', dependsOn }))
    const onChange = await at.refused('validation_failed', (tx) =>
      updateCard(tx, a.id, { title: 'not kept', dependsOn }),
    )
    for (const refusal of [onCreate, onChange]) {
      expect(refusal.errors?.map(({ path }) => path)).toEqual(['dependsOn.1', 'dependsOn.2'])
    }
  })

  test('[C13] a cycle is refused, with the cards in it', async () => {
    const a = await at.make('a')
    const b = await at.make('b', { dependsOn: [a.id] })
    const c = await at.make('c', { dependsOn: [b.id] })
    const free = await at.make('free')
    const two = await at.refused('dependency_cycle', (tx) => updateCard(tx, a.id, { dependsOn: [b.id] }))
    expect(two.errors?.[0]?.message).toBe('makes a cycle: DEMO-1 would wait for DEMO-2, which waits for DEMO-1')
    const three = await at.refused('dependency_cycle', (tx) => updateCard(tx, a.id, { dependsOn: [free.id, c.id] }))
    expect(three.errors?.[0]?.path).toBe('dependsOn.1')
    expect(three.message).toContain('DEMO-1 would wait for DEMO-3, which waits for DEMO-2, which waits for DEMO-1')
    expect(await at.edit(c, { dependsOn: [a.id] })).toMatchObject({ dependsOn: [a.id] })
    expect(await at.edit(b, { dependsOn: [c.id] })).toMatchObject({ dependsOn: [c.id] })
  })

  test('[C14] a card is blocked while something it waits for is not in a done column', async () => {
    const a = await at.make('a')
    const b = await at.make('b', { dependsOn: [a.id] })
    expect(b.blocked).toBe(true)
    await at.said()
    await at.do((tx) => moveCard(tx, a.id, { columnKey: 'done' }))
    expect(await getCard(at.sql, b.id)).toEqual({ ...b, blocked: false })
    expect(await isInDoneColumn(at.sql, a.id)).toBe(true)
    await at.do((tx) => moveCard(tx, a.id, { columnKey: 'review' }))
    expect(await getCard(at.sql, b.id)).toEqual(b)
    expect((await at.said()).map(({ type }) => type)).toEqual(['card.moved', 'card.moved'])
  })

  test('[C15] a blocked card cannot enter in_progress or be created there', async () => {
    const a = await at.make('a')
    const b = await at.make('b', { dependsOn: [a.id] })
    const refusal = await at.refused('blocked_by_dependencies', (tx) =>
      moveCard(tx, b.id, { columnKey: 'in_progress' }),
    )
    expect(refusal.message).toContain('DEMO-2 cannot enter In Progress: it waits for DEMO-1.')
    await at.refused('blocked_by_dependencies', (tx) =>
      createCard(tx, 'demo', { title: 'c', columnId: at.column.in_progress, dependsOn: [a.id] }),
    )
    await at.do((tx) => moveCard(tx, b.id, { columnKey: 'review' }))
    await at.do((tx) => moveCard(tx, a.id, { columnKey: 'done' }))
    await at.do((tx) => moveCard(tx, b.id, { columnKey: 'in_progress' }))
    await at.make('c', { columnKey: 'in_progress', dependsOn: [a.id] })
    expect(await at.inColumn('in_progress')).toBe('b c')
  })

  test('[C15] a card that is there already may become blocked, and be moved within the column', async () => {
    const a = await at.make('a')
    const b = await at.make('b', { columnKey: 'in_progress' })
    await at.make('c', { columnKey: 'in_progress' })
    expect(await at.edit(b, { dependsOn: [a.id] })).toMatchObject({ blocked: true })
    await at.do((tx) => moveCard(tx, b.id, { columnKey: 'in_progress', index: 1 }))
    expect(await at.inColumn('in_progress')).toBe('c b')
  })
})

describe('deleting a card', () => {
  test('[C21] closes up its column', async () => {
    const [, b] = [await at.make('a'), await at.make('b'), await at.make('c')]
    await at.said()
    await at.do((tx) => deleteCard(tx, b?.id ?? '', undefined))
    expect(await at.inColumn('backlog')).toBe('a c')
    expect(await at.said()).toEqual([
      { type: 'card.deleted', payload: { boardId: 'demo', cardId: b?.id, columnId: at.column.backlog } },
    ])
    await expect(getCard(at.sql, b?.id ?? '')).rejects.toMatchObject({ code: 'card_not_found' })
  })

  test('[C22] removes it from the dependencies of other cards, whose events come first', async () => {
    const [a, other] = [await at.make('a'), await at.make('other')]
    const b = await at.make('b', { dependsOn: [a.id] })
    const c = await at.make('c', { dependsOn: [other.id, a.id] })
    await at.said()
    await at.do((tx) => deleteCard(tx, a.id, undefined))
    const said = await at.said()
    expect(said.map(({ type, payload }) => [type, payload.cardId, payload.changes, payload.revision])).toEqual([
      ['card.updated', b.id, { dependsOn: [], blocked: false }, 2],
      ['card.updated', c.id, { dependsOn: [other.id] }, 2],
      ['card.deleted', a.id, undefined, undefined],
    ])
    expect(await getCard(at.sql, b.id)).toMatchObject({ dependsOn: [], blocked: false, revision: 2 })
    expect(await getCard(at.sql, c.id)).toMatchObject({ dependsOn: [other.id], blocked: true, revision: 2 })
  })
})
