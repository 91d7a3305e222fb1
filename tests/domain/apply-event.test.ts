import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEvent, type SseMsg } from '../../shared/src/apply-event.ts'
import { exampleCard, exampleIds } from '../../shared/src/catalogue/examples.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import type { LogEvent } from '../../src/db/log-event.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { runsOf } from '../support/stores.ts'
import { BOARD, groups, performAll, stateOf } from './board-operations.ts'
import { type BoardStore, checked, openBoardStore } from './board-store.ts'

/** What a listener of the board's `diff` view gets: wire names and bare payloads. */
function messages(event: LogEvent): SseMsg[] {
  checked(event)
  return event.placements
    .filter(({ channel }) => channel === `board:${BOARD}`)
    .map(({ destination }) => ({ event: destination.event, data: JSON.parse(event.bare) as unknown }))
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
          await at.close()
        }
      }),
      { numRuns: runsOf(60) },
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
