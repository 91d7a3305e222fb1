import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cardEdit, newCard } from '../../shared/src/inputs/boards.ts'
import * as kanban from '../../shared/src/types/kanban.ts'
import { boardState } from '../../src/domain/board-state.ts'
import { createBoard } from '../../src/domain/boards.ts'
import {
  createCard,
  deleteCard,
  getCard,
  isInDoneColumn,
  moveCard,
  setPrUrl,
  updateCard,
} from '../../src/domain/cards.ts'
import { type DemoBoard, openDemoBoard } from './demo-board.ts'

let at: DemoBoard
beforeEach(async () => {
  at = await openDemoBoard()
})
afterEach(() => at.close())

describe('creating a card', () => {
  test('[C1] needs only a title; the rest has defaults', async () => {
    const card = await at.make('Write it down')
    kanban.card.parse(card)
    expect(card).toEqual({
      id: expect.stringMatching(/^crd_[0-9a-f-]{36}$/),
      boardId: 'demo',
      columnId: at.column.backlog,
      ticketKey: 'DEMO-1',
      title: 'Write it down',
      description: null,
      ticketType: null,
      priority: null,
      labels: [],
      stage: null,
      dependsOn: [],
      blocked: false,
      assignedAgentId: null,
      isEnhanced: false,
      prUrl: null,
      attempt: null,
      revision: 1,
      createdAt: card.createdAt,
      updatedAt: card.createdAt,
    })
    expect(await at.said()).toEqual([
      {
        type: 'card.created',
        payload: { boardId: 'demo', cardId: card.id, card, columnId: at.column.backlog, index: 0 },
      },
    ])
    expect(await getCard(at.sql, card.id)).toEqual(card)
  })

  test('[C1] stores every field that a new card may have', async () => {
    const dependency = await at.make('first')
    const fields = {
      description: 'text with \u0000 and 🙂',
      ticketType: 'feat',
      priority: 'critical',
      labels: ['a', 'b'],
      stage: 'PR_REVIEW',
      dependsOn: [dependency.id],
      assignedAgentId: 'claude-1',
    }
    const card = await at.make('full', { ...fields, columnId: at.column.review, index: 0 })
    expect(card).toMatchObject({ ...fields, columnId: at.column.review, blocked: true, ticketKey: 'DEMO-2' })
    expect(await getCard(at.sql, card.id)).toEqual(card)
  })

  test('[C2] a card created for an agent also emits card.assigned, with the same revision', async () => {
    const card = await at.make('x', { assignedAgentId: 'claude-1' })
    expect(await at.said()).toEqual([
      { type: 'card.created', payload: expect.objectContaining({ card }) },
      {
        type: 'card.assigned',
        payload: {
          boardId: 'demo',
          agentId: 'claude-1',
          cardId: card.id,
          changes: { assignedAgentId: 'claude-1' },
          revision: 1,
          updatedAt: card.updatedAt,
        },
      },
    ])
  })

  test.each([
    [undefined, 2, 'a b new'],
    [0, 0, 'new a b'],
    [1, 1, 'a new b'],
    [-1, 0, 'new a b'],
    [9, 2, 'a b new'],
  ])('[C3] index %j gives %i', async (index, reached, order) => {
    await at.make('a', { columnKey: 'review' })
    await at.make('b', { columnKey: 'review' })
    await at.said()
    await at.make('new', { columnKey: 'review', ...(index !== undefined && { index }) })
    expect((await at.said())[0]?.payload).toMatchObject({ columnId: at.column.review, index: reached })
    expect(await at.inColumn('review')).toBe(order)
  })

  test('[C3] an unknown column, or one of another board, is refused by its field', async () => {
    const other = await at.do((tx) => createBoard(tx, { name: 'Other' }))
    for (const columnId of [other.columns[0]?.id ?? '', 'col_none', '']) {
      const refusal = await at.refused('validation_failed', (tx) => createCard(tx, 'demo', { title: 'x', columnId }))
      expect(refusal.errors?.map(({ path }) => path)).toEqual(['columnId'])
    }
    const refusal = await at.refused('validation_failed', (tx) =>
      createCard(tx, 'demo', { title: 'x', columnKey: 'nope' }),
    )
    expect(refusal.errors?.map(({ path }) => path)).toEqual(['columnKey'])
    await at.refused('board_not_found', (tx) => createCard(tx, 'nowhere', { title: 'x' }))
  })

  test('[C3] both columnId and columnKey are refused', () => {
    const parsed = newCard.safeParse({ title: 'x', columnId: 'a', columnKey: 'b' })
    expect(parsed.error?.issues.map(({ path }) => path)).toEqual([['columnKey']])
  })

  test.each([
    ['no title', {}],
    ['an empty title', { title: '' }],
    ['501 characters', { title: 'x'.repeat(501) }],
    ['an unknown type', { title: 'x', ticketType: 'story' }],
    ['an unknown field', { title: 'x', colour: 'red' }],
    ['a field that is computed', { title: 'x', blocked: false }],
    ['an empty label', { title: 'x', labels: ['a', '  '] }],
    ['a lone surrogate', { title: '\ud800' }],
  ])('[C1] refuses %s', (_, body) => {
    expect(newCard.safeParse(body).success).toBe(false)
  })

  test('[C4] ticket keys count up, and the key of a deleted card is never used again', async () => {
    await at.make('a')
    const b = await at.make('b')
    await at.do((tx) => deleteCard(tx, b.id, undefined))
    expect((await at.make('c')).ticketKey).toBe('DEMO-3')
  })

  test('[C4] a refused card uses up no ticket key', async () => {
    await at.refused('validation_failed', (tx) => createCard(tx, 'demo', { title: 'x', dependsOn: ['crd_none'] }))
    expect((await at.make('a')).ticketKey).toBe('DEMO-1')
  })

  test('[C5] labels are trimmed, and duplicates dropped', async () => {
    expect((await at.make('x', { labels: [' b', 'a', 'b ', 'a', 'B'] })).labels).toEqual(['b', 'a', 'B'])
  })
})

describe('changing a card', () => {
  test('[C6] ordinary fields emit one event with only what changed', async () => {
    const card = await at.make('x', { priority: 'low', labels: ['a'] })
    await at.said()
    const next = await at.edit(card, {
      title: 'y',
      description: 'd',
      ticketType: 'fix',
      priority: 'low',
      labels: ['a', ' a '],
      isEnhanced: true,
      prUrl: 'https://example.org/pr/1',
    })
    const changes = {
      title: 'y',
      description: 'd',
      ticketType: 'fix',
      isEnhanced: true,
      prUrl: 'https://example.org/pr/1',
    }
    expect(next).toEqual({ ...card, ...changes, revision: 2, updatedAt: next.updatedAt })
    expect(await at.said()).toEqual([
      {
        type: 'card.updated',
        payload: { boardId: 'demo', cardId: card.id, changes, revision: 2, updatedAt: next.updatedAt },
      },
    ])
    expect(await getCard(at.sql, card.id)).toEqual(next)
  })

  test('[C6] several kinds of change share one revision: updated, stage changed, assigned', async () => {
    const card = await at.make('x')
    await at.said()
    const next = await at.edit(card, { assignedAgentId: 'claude-1', stage: 'TODO', title: 'y' })
    const { revision, updatedAt } = next
    expect(revision).toBe(2)
    const common = { boardId: 'demo', cardId: card.id, revision, updatedAt }
    expect(await at.said()).toEqual([
      { type: 'card.updated', payload: { ...common, changes: { title: 'y' } } },
      {
        type: 'card.stage.changed',
        payload: { ...common, oldStage: null, newStage: 'TODO', changes: { stage: 'TODO' } },
      },
      {
        type: 'card.assigned',
        payload: { ...common, agentId: 'claude-1', changes: { assignedAgentId: 'claude-1' } },
      },
    ])
    expect(await getCard(at.sql, card.id)).toEqual(next)
  })

  test('[C6] a card can be unassigned, and its fields cleared', async () => {
    const card = await at.make('x', {
      assignedAgentId: 'claude-1',
      description: 'd',
      priority: 'high',
      ticketType: 'ci',
    })
    await at.said()
    const empty = { assignedAgentId: null, description: null, priority: null, ticketType: null }
    expect(await at.edit(card, empty)).toMatchObject({ ...empty, revision: 2 })
    expect((await at.said()).map(({ type, payload }) => [type, payload.agentId])).toEqual([
      ['card.updated', undefined],
      ['card.assigned', null],
    ])
  })

  test('[C7] a change without effect gives no event, no revision, no new updatedAt', async () => {
    const first = await at.make('first')
    const card = await at.make('x', {
      labels: ['a'],
      stage: 'SPEC',
      dependsOn: [first.id],
      assignedAgentId: 'claude-1',
    })
    await at.said()
    const { title, description, labels, stage, dependsOn, assignedAgentId, isEnhanced, prUrl } = card
    expect(await at.edit(card, {})).toEqual(card)
    expect(
      await at.edit(card, { title, description, labels, stage, dependsOn, assignedAgentId, isEnhanced, prUrl }),
    ).toEqual(card)
    expect(await at.said()).toEqual([])
    expect(await getCard(at.sql, card.id)).toEqual(card)
  })

  test.each(['columnId', 'ticketKey', 'blocked', 'revision', 'attempt', 'createdAt'])(
    '[C6] %s is not an editable field',
    (field) => {
      expect(cardEdit.safeParse({ [field]: 1 }).success).toBe(false)
    },
  )

  test.each(['javascript:alert(1)', 'not a url', 'ftp://example.org', `https://example.org/${'x'.repeat(2000)}`])(
    '[C6] prUrl %.30s is refused',
    (prUrl) => {
      expect(cardEdit.safeParse({ prUrl }).success).toBe(false)
    },
  )

  test('[C8] ifRevision refuses to change, move or delete a card that has changed since', async () => {
    const card = await at.make('x')
    await at.edit(card, { title: 'y' })
    const refusal = await at.refused('stale_revision', (tx) => updateCard(tx, card.id, { title: 'z', ifRevision: 1 }))
    expect(refusal.message).toContain('revision 2')
    await at.refused('stale_revision', (tx) => moveCard(tx, card.id, { columnKey: 'done', ifRevision: 1 }))
    await at.refused('stale_revision', (tx) => deleteCard(tx, card.id, 1))
    await at.refused('stale_revision', (tx) => updateCard(tx, card.id, { ifRevision: 3 }))
    expect(await at.edit(card, { title: 'z', ifRevision: 2 })).toMatchObject({ title: 'z', revision: 3 })
    await at.do((tx) => moveCard(tx, card.id, { columnKey: 'done', ifRevision: 3 }))
    await at.do((tx) => deleteCard(tx, card.id, 4))
  })

  test('[C9] a pull request sets prUrl once', async () => {
    const card = await at.make('x')
    await at.said()
    await at.do((tx) => setPrUrl(tx, card.id, 'https://example.org/1'))
    await at.do((tx) => setPrUrl(tx, card.id, 'https://example.org/1'))
    expect((await at.said()).map(({ type, payload }) => [type, payload.changes, payload.revision])).toEqual([
      ['card.updated', { prUrl: 'https://example.org/1' }, 2],
    ])
  })

  test('[C10] a card that does not exist is not found', async () => {
    await expect(getCard(at.sql, 'crd_none')).rejects.toMatchObject({ code: 'card_not_found' })
    await at.refused('card_not_found', (tx) => updateCard(tx, 'crd_none', { title: 'x' }))
    await at.refused('card_not_found', (tx) => moveCard(tx, 'crd_none', { columnKey: 'done' }))
    await at.refused('card_not_found', (tx) => deleteCard(tx, 'crd_none', undefined))
    expect(await isInDoneColumn(at.sql, 'crd_none')).toBe(false)
  })
})

test('[C23] a card shows its newest attempt by creation, without a new revision', async () => {
  const card = await at.make('x')
  const insert = (id: string, ordinal: number, status: string, createdAt: string) =>
    at.sql.run(
      `INSERT INTO attempts (id, board_id, card_id, ordinal, agent, status, created_at, updated_at)
       VALUES (?, 'demo', ?, ?, 'claude-1', ?, ?, ?)`,
      [id, card.id, ordinal, status, createdAt, createdAt],
    )
  await insert('att_2', 2, 'queued', '2020-01-01T00:00:00.000Z')
  await insert('att_1', 1, 'failed', '2030-01-01T00:00:00.000Z')
  const attempt = { id: 'att_2', status: 'queued', agent: 'claude-1' }
  expect(await getCard(at.sql, card.id)).toEqual({ ...card, attempt })
  expect((await boardState(at.sql, 'demo'))?.cards).toEqual({ [card.id]: { ...card, attempt } })
})
