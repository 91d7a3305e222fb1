/** A store with one board, `demo`, with the default columns and no cards. The events of its creation are already consumed. */
import { expect } from 'vitest'
import { cardEdit, newCard } from '../../shared/src/inputs/boards.ts'
import type { Card } from '../../shared/src/types/kanban.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { createCard, updateCard } from '../../src/domain/cards.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'

export interface DemoBoard extends BoardStore {
  /** Column ids by key. */
  readonly column: Readonly<Record<string, string>>
  make(title: string, more?: Record<string, unknown>): Promise<Card>
  edit(card: Card, changes: Record<string, unknown>): Promise<Card>
  /** The titles in a column, in display order; expects list indexes 0 to n-1. */
  inColumn(key: string): Promise<string>
}

export async function openDemoBoard(): Promise<DemoBoard> {
  const at = await openBoardStore()
  const board = await at.do((tx) => createBoard(tx, { id: 'demo', name: 'Demo' }))
  const column = Object.fromEntries(board.columns.map(({ key, id }) => [key, id]))
  await at.said()
  return {
    ...at,
    column,
    make: (title, more = {}) => at.do((tx) => createCard(tx, 'demo', newCard.parse({ title, ...more }))),
    edit: (card, changes) => at.do((tx) => updateCard(tx, card.id, cardEdit.parse(changes))),
    async inColumn(key) {
      const rows = await at.sql.all<{ title: string; position: number }>(
        'SELECT title, position FROM cards WHERE column_id = ? ORDER BY position',
        [column[key] ?? ''],
      )
      expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index))
      return rows.map(({ title }) => title).join(' ')
    },
  }
}
