import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEvent, type SseMsg } from '../../shared/src/apply-event.ts'
import { exampleCard, exampleIds } from '../../shared/src/catalogue/examples.ts'
import { type AttemptStatus, type BoardState, boardState as boardStateSchema } from '../../shared/src/types/kanban.ts'
import { Problem } from '../../src/base/errors.ts'
import type { LogEvent } from '../../src/db/log-event.ts'
import type { Tx } from '../../src/db/store.ts'
import { boardState } from '../../src/domain/board-state.ts'
import { createBoard, updateBoard } from '../../src/domain/boards.ts'
import { createCard, deleteCard, moveCard, setPrUrl, updateCard } from '../../src/domain/cards.ts'
import { createColumn, deleteColumn, updateColumn } from '../../src/domain/columns.ts'
import { type BoardStore, checked, openBoardStore } from './board-store.ts'

const BOARD = 'demo'

/** What a listener of the board's `diff` view gets: wire names and bare payloads. */
function messages(event: LogEvent): SseMsg[] {
  checked(event)
  return event.placements
    .filter(({ channel }) => channel === `board:${BOARD}`)
    .map(({ destination }) => ({ event: destination.event, data: JSON.parse(event.bare) as unknown }))
}

async function stateOf(at: Pick<BoardStore, 'sql'>): Promise<BoardState> {
  const state = await boardState(at.sql, BOARD)
  if (!state) throw new Error('the board is gone')
  return boardStateSchema.parse(JSON.parse(JSON.stringify(state)))
}

/** Random numbers that are interpreted against the current state. */
const operation = fc.record({
  kind: fc.constantFrom(
    'createCard',
    'createCard',
    'createCard',
    'moveCard',
    'moveCard',
    'moveCard',
    'editCard',
    'depend',
    'depend',
    'depend',
    'deleteCard',
    'createColumn',
    'editColumn',
    'keyColumn',
    'deleteColumn',
    'attempt',
    'editBoard',
    'linkPr',
  ),
  a: fc.nat(1000),
  b: fc.nat(1000),
  c: fc.nat(1000),
  index: fc.option(fc.integer({ min: -2, max: 8 }), { nil: undefined }),
})
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

/** The operations of one inner list start in one turn, so they share a COMMIT. */
const groups = fc.array(fc.array(operation, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
})

async function perform(tx: Tx, { kind, a, b, c, index }: Operation): Promise<unknown> {
  const state = await stateOf(tx)
  const cards = Object.keys(state.cards).sort()
  const columns = state.columnOrder
  const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T
  const card = pick([...cards, 'crd_none'], a)
  const column = pick(columns, b)
  switch (kind) {
    case 'createCard': {
      const dependsOn = cards.length > 0 ? [pick(cards, a), pick(cards, c)] : []
      const assignedAgentId = c % 3 === 0 ? 'claude-1' : null
      return createCard(tx, BOARD, { title: `card ${c}`, columnId: column, index, dependsOn, assignedAgentId })
    }
    case 'moveCard':
      return moveCard(tx, card, { columnId: column, index })
    case 'editCard':
      return updateCard(tx, card, {
        title: `title ${b % 3}`,
        labels: c % 2 ? ['x'] : [],
        stage: c % 5 === 0 ? 'TODO' : undefined,
        assignedAgentId: c % 7 === 0 ? null : `agent-${c % 2}`,
      })
    case 'depend':
      return updateCard(tx, card, { dependsOn: cards.filter((_, n) => (b >> (n % 10)) & 1), isEnhanced: c % 2 === 0 })
    case 'deleteCard':
      return deleteCard(tx, card, undefined)
    case 'createColumn':
      return createColumn(tx, BOARD, { title: `column ${c}`, key: pick([null, 'done', 'in_progress', 'qa'], c), index })
    case 'editColumn':
      return updateColumn(tx, column, { title: `renamed ${c % 3}`, index })
    case 'keyColumn':
      return updateColumn(tx, column, { key: pick([null, 'done', 'in_progress', 'qa'], c) })
    case 'deleteColumn':
      return deleteColumn(tx, column)
    case 'attempt':
      return cards.length > 0 ? attempt(tx, pick(cards, a), b) : undefined
    case 'editBoard':
      return updateBoard(tx, BOARD, { name: `name ${c % 2}` })
    case 'linkPr':
      return setPrUrl(tx, card, `https://example.org/${c % 2}`)
    default:
      return kind satisfies never
  }
}

/** A new attempt of the card, or a change of an earlier one: the reducer must tell the newest from the others. */
async function attempt(tx: Tx, cardId: string, n: number): Promise<void> {
  const had = await tx.sql.all<{ id: string; status: AttemptStatus }>(
    'SELECT id, status FROM attempts WHERE card_id = ? ORDER BY ordinal',
    [cardId],
  )
  const old = n % 3 === 0 ? undefined : had[n % Math.max(1, had.length)]
  const id = old?.id ?? `att_${cardId}_${had.length}`
  const status: AttemptStatus = old ? (n % 2 ? 'running' : 'failed') : 'queued'
  if (old) await tx.sql.run('UPDATE attempts SET status = ? WHERE id = ?', [status, id])
  else {
    await tx.sql.run(
      `INSERT INTO attempts (id, board_id, card_id, ordinal, agent, status, created_at, updated_at)
       VALUES (?, ?, ?, ?, 'claude-1', 'queued', ?, ?)`,
      [id, BOARD, cardId, had.length + 1, tx.now, tx.now],
    )
  }
  const news = { boardId: BOARD, attemptId: id, cardId, agent: 'claude-1', endedAt: null, exitCode: null, error: null }
  if (old) tx.emit('attempt.status.changed', { ...news, status, previousStatus: old.status })
  else tx.emit('attempt.queued', { ...news, status, previousStatus: null })
}

/** Refusals are expected; any other error is a fault. */
async function performAll(at: BoardStore, operations: readonly Operation[]): Promise<void> {
  const outcomes = await Promise.allSettled(operations.map((one) => at.do((tx) => perform(tx, one))))
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected' && !(outcome.reason instanceof Problem)) throw outcome.reason
  }
}

async function expectSound(at: BoardStore, state: BoardState): Promise<void> {
  for (const list of ['column_id AS list FROM cards', 'board_id AS list FROM board_columns']) {
    const rows = await at.sql.all<{ position: number; list: string }>(`SELECT position, ${list} ORDER BY 2, 1`)
    let expected = 0
    for (const [n, row] of rows.entries()) {
      expected = rows[n - 1]?.list === row.list ? expected + 1 : 0
      expect(row.position).toBe(expected)
    }
  }
  const placed = Object.values(state.columns).flatMap((column) => column.cardIds.map((id) => [id, column.id]))
  expect(Object.fromEntries(placed)).toEqual(
    Object.fromEntries(Object.values(state.cards).map((card) => [card.id, card.columnId])),
  )
  const isFree = (id: string, above: readonly string[]): boolean =>
    !above.includes(id) && (state.cards[id]?.dependsOn ?? []).every((next) => isFree(next, [...above, id]))
  for (const id of Object.keys(state.cards)) expect(isFree(id, [])).toBe(true)
}

describe('folding', () => {
  test('[F1] state at N and the events after N are the state, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(groups, fc.nat(1000), async (all, when) => {
        const at = await openBoardStore()
        try {
          await at.do((tx) => createBoard(tx, { id: BOARD, name: 'Demo' }))
          const start = when % all.length
          for (const group of all.slice(0, start)) await performAll(at, group)
          let { state, cursor } = await at.store.read(async ({ sql, head }) => ({
            state: await stateOf({ sql }),
            cursor: head,
          }))
          for (const group of all.slice(start)) {
            await performAll(at, group)
            const { events, reached } = await at.store.read((snapshot) =>
              snapshot.readAfter([`board:${BOARD}`], cursor, 1000),
            )
            cursor = reached
            state = events.flatMap(messages).reduce(applyEvent, state)
            expect(state).toEqual(await stateOf(at))
          }
          await expectSound(at, state)
        } finally {
          at.close()
        }
      }),
      { numRuns: 60 },
    )
  })

  const state: BoardState = {
    boardId: exampleIds.board,
    columns: {
      [exampleIds.column]: { id: exampleIds.column, key: 'backlog', title: 'Backlog', cardIds: [exampleCard.id] },
      [exampleIds.nextColumn]: { id: exampleIds.nextColumn, key: 'done', title: 'Done', cardIds: [] },
    },
    columnOrder: [exampleIds.column, exampleIds.nextColumn],
    cards: { [exampleCard.id]: exampleCard },
  }

  test('[F2] never mutates the state that it is given', () => {
    const frozen = deepFreeze(structuredClone(state))
    const at = { revision: 2, updatedAt: exampleCard.updatedAt }
    const moved = {
      cardId: exampleCard.id,
      fromColumnId: exampleIds.column,
      toColumnId: exampleIds.nextColumn,
      toIndex: 0,
    }
    const events: SseMsg[] = [
      { event: 'card_moved', data: { ...moved, ...at } },
      { event: 'card_updated', data: { cardId: exampleCard.id, changes: { title: 'x' }, ...at } },
      { event: 'card_created', data: { card: { ...exampleCard, id: 'crd_2' }, columnId: exampleIds.column, index: 0 } },
      { event: 'column_updated', data: { columnId: exampleIds.column, changes: { index: 1, key: 'done' } } },
      { event: 'column_created', data: { column: { id: 'col_3', key: null, title: 'x', cardIds: [] }, index: 1 } },
      { event: 'card_deleted', data: { cardId: exampleCard.id, columnId: exampleIds.column } },
      { event: 'column_deleted', data: { columnId: exampleIds.column } },
    ]
    for (const event of events) expect(applyEvent(frozen, event)).not.toEqual(state)
    expect(frozen).toEqual(state)
  })

  test('[F2] what an event does not touch keeps its identity', () => {
    const next = applyEvent(state, {
      event: 'card_updated',
      data: { cardId: exampleCard.id, changes: { title: 'x' }, revision: 2, updatedAt: exampleCard.updatedAt },
    })
    expect(next.columns).toBe(state.columns)
    expect(next.columnOrder).toBe(state.columnOrder)
  })

  test('[F3] returns the state itself for events that do not concern it', () => {
    const unknown: SseMsg[] = [
      { event: 'board_updated', data: { boardId: exampleIds.board, changes: { name: 'x' } } },
      { event: 'heartbeat', data: { ts: 'x' } },
      { event: 'from_a_newer_version', data: {} },
      { event: 'card_updated', data: { cardId: 'crd_none', changes: {}, revision: 2, updatedAt: 'x' } },
      { event: 'card_deleted', data: { cardId: 'crd_none', columnId: exampleIds.column } },
      { event: 'attempt_status', data: { attemptId: 'a', cardId: 'crd_none', agent: 'x', status: 'queued' } },
    ]
    for (const event of unknown) expect(applyEvent(state, event)).toBe(state)
  })
})

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
