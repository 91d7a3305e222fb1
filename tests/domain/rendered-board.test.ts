/** The text of a board that is kept in parts is the text of the whole board, after whatever happened. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { catalogue, entryOf } from '../../shared/src/catalogue.ts'
import { jsonLine } from '../../src/base/json.ts'
import { LogEvent, PayloadEncoder } from '../../src/db/log-event.ts'
import { boardState } from '../../src/domain/board-state.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { createCard, moveCard } from '../../src/domain/cards.ts'
import { RenderedBoard } from '../../src/domain/rendered-board.ts'
import { runsOf } from '../support/stores.ts'
import { BOARD, groups, performAll } from './board-operations.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'

async function wholeText(at: BoardStore): Promise<string> {
  return jsonLine(await boardState(at.sql, BOARD))
}

async function render(at: BoardStore): Promise<RenderedBoard> {
  const state = await boardState(at.sql, BOARD)
  if (!state) throw new Error('the board is gone')
  return new RenderedBoard(state)
}

/** The events of the board after a position that change what it shows. */
async function changesAfter(at: BoardStore, seq: number): Promise<LogEvent[]> {
  const { events } = await at.store.read((snapshot) => snapshot.readAfter([`board:${BOARD}`], seq, 10_000))
  return events.filter(({ entry }) => entry?.refreshes.includes('board'))
}

test('[U9] [Y2] the text of a board that takes in events is its whole text, at every step', async () => {
  await fc.assert(
    fc.asyncProperty(groups, fc.nat(1000), async (all, when) => {
      const at = await openBoardStore()
      try {
        await at.do((tx) => createBoard(tx, { id: BOARD, name: 'Demo' }))
        const start = when % all.length
        for (const group of all.slice(0, start)) await performAll(at, group)
        const board = await render(at)
        expect(board.text).toBe(await wholeText(at))
        for (const group of all.slice(start)) {
          const position = at.store.head
          await performAll(at, group)
          for (const event of await changesAfter(at, position)) expect(board.apply(event)).toBe(true)
          expect(board.text).toBe(await wholeText(at))
        }
      } finally {
        await at.close()
      }
    }),
    { numRuns: runsOf(60) },
  )
})

test('[Y2] texts that JSON escapes, and ticket keys beyond DEMO-9, stay what they are', async () => {
  const at = await openBoardStore()
  await at.do((tx) => createBoard(tx, { id: BOARD, name: 'Demo' }))
  const board = await render(at)
  const position = at.store.head
  for (const title of ['"quoted" \\ \u0000\u001f', 'a\u2028b\u2029c\u0085d', '\u{1f600} \ud7ff', '__proto__']) {
    for (let n = 0; n < 4; n++) await at.do((tx) => createCard(tx, BOARD, { title, labels: [title], index: 0 }))
  }
  for (const event of await changesAfter(at, position)) expect(board.apply(event)).toBe(true)
  expect(board.text).toBe(await wholeText(at))
  await at.close()
})

test('[U9] every event that changes a board is applied, or has it rendered anew', async () => {
  const at = await openBoardStore()
  await at.do((tx) => createBoard(tx, { id: BOARD, name: 'Demo' }))
  const unapplied: string[] = []
  for (const [type, { refreshes, example }] of Object.entries(catalogue)) {
    const entry = entryOf(type)
    if (!entry || !refreshes.includes('board')) continue
    const { data, skip } = new PayloadEncoder().encode(entry, example)
    if (!(await render(at)).apply(new LogEvent({ seq: 1, type, at: 0, data, skip }))) unapplied.push(type)
  }
  expect(unapplied).toEqual(['board.deleted'])
  await at.close()
})

test('[Y14] a card that is moved on a board of many costs its own text and those of two columns', async () => {
  const at = await openBoardStore()
  const { columns } = await at.do((tx) => createBoard(tx, { id: BOARD, name: 'Demo' }))
  const made = await Promise.all(
    Array.from({ length: 300 }, (_, n) => at.do((tx) => createCard(tx, BOARD, { title: `card ${n}` }))),
  )
  const board = await render(at)
  expect(board.text).toBe(await wholeText(at))
  const position = at.store.head
  await at.do((tx) => moveCard(tx, made[150]?.id ?? '', { columnId: columns[1]?.id, index: 0 }))
  const [moved] = await changesAfter(at, position)
  const stringified: unknown[] = []
  const { stringify } = JSON
  JSON.stringify = (value: unknown) => {
    stringified.push(value)
    return stringify(value)
  }
  try {
    expect(moved && board.apply(moved)).toBe(true)
    expect(board.text.length).toBeGreaterThan(0)
  } finally {
    JSON.stringify = stringify
  }
  const objects = stringified.filter((value) => typeof value === 'object' && !Array.isArray(value))
  expect(objects).toHaveLength(3)
  expect(board.text).toBe(await wholeText(at))
  await at.close()
})
