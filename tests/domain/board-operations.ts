/** Random mutations of every kind that changes what a board shows. */
import * as fc from 'fast-check'
import { type AttemptStatus, type BoardState, boardState as boardStateSchema } from '../../shared/src/types/kanban.ts'
import { Problem } from '../../src/base/errors.ts'
import type { Tx } from '../../src/db/store.ts'
import { boardState } from '../../src/domain/board-state.ts'
import { updateBoard } from '../../src/domain/boards.ts'
import { createCard, deleteCard, moveCard, setPrUrl, updateCard } from '../../src/domain/cards.ts'
import { createColumn, deleteColumn, updateColumn } from '../../src/domain/columns.ts'
import type { BoardStore } from './board-store.ts'

/** The board that the operations change. */
export const BOARD = 'demo'

export async function stateOf(at: Pick<BoardStore, 'sql'>): Promise<BoardState> {
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
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

/** The operations of one inner list start in one turn, so they share a COMMIT. */
export const groups = fc.array(fc.array(operation, { minLength: 1, maxLength: 4 }), {
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
export async function performAll(at: BoardStore, operations: readonly Operation[]): Promise<void> {
  const outcomes = await Promise.allSettled(operations.map((one) => at.do((tx) => perform(tx, one))))
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected' && !(outcome.reason instanceof Problem)) throw outcome.reason
  }
}
