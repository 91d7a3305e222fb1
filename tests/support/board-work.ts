/** Mutations as plain numbers, which fast-check can shrink. Their meaning depends on the current state. */
import * as fc from 'fast-check'
import type { Tx } from '../../src/db/store.ts'
import { registerAgent } from '../../src/domain/agents.ts'
import { appendLines } from '../../src/domain/attempt-logs.ts'
import { createAttempt, updateAttempt } from '../../src/domain/attempts.ts'
import { boardState } from '../../src/domain/board-state.ts'
import { updateBoard } from '../../src/domain/boards.ts'
import { createCard, deleteCard, moveCard, updateCard } from '../../src/domain/cards.ts'
import { createColumn, deleteColumn, updateColumn } from '../../src/domain/columns.ts'
import { reportCommit } from '../../src/domain/git.ts'

export const AGENTS = ['ann', 'bob'] as const

export interface Work {
  readonly kind: (typeof KINDS)[number]
  readonly board: number
  readonly a: number
  readonly b: number
  readonly big: boolean
}

const KINDS = [
  'card',
  'card',
  'move',
  'move',
  'edit',
  'assign',
  'remove',
  'column',
  'attempt',
  'attempt',
  'lines',
  'lines',
  'lines',
  'board',
  'agent',
  'commit',
] as const

export const work: fc.Arbitrary<Work> = fc.record({
  kind: fc.constantFrom(...KINDS),
  board: fc.nat(1),
  a: fc.nat(9),
  b: fc.nat(9),
  big: fc.boolean(),
})

/** Carries it out in a transaction; the rules may refuse it. */
export async function doWork(tx: Tx, { kind, board, a, b, big }: Work, boards: readonly string[]): Promise<unknown> {
  const boardId = boards[board % boards.length] ?? ''
  const state = await boardState(tx.sql, boardId)
  if (!state) return undefined
  const columnId = state.columnOrder[b % state.columnOrder.length] ?? ''
  const cards = Object.values(state.cards)
  const card = cards[a % Math.max(1, cards.length)]
  switch (kind) {
    case 'card':
      return createCard(tx, boardId, {
        title: `card ${a}.${b}`,
        columnId,
        index: a,
        description: big ? 'd'.repeat(400) : null,
        dependsOn: card && a < 2 ? [card.id] : [],
      })
    case 'column': {
      const empty = state.columnOrder.find((id) => state.columns[id]?.cardIds.length === 0)
      if (a < 4) return createColumn(tx, boardId, { title: `column ${b}`, index: b })
      return empty && a < 6 ? deleteColumn(tx, empty) : updateColumn(tx, columnId, { title: `t${a}`, index: b })
    }
    case 'board':
      return updateBoard(tx, boardId, { name: `board ${a}${b}` })
    case 'agent':
      return registerAgent(tx, { id: AGENTS[a % 2] ?? 'ann', label: `label ${b}` })
    case 'commit':
      return reportCommit(tx, boardId, { shortSha: `${a}${b}`, subject: 'made' })
    default:
  }
  if (!card) return undefined
  switch (kind) {
    case 'move':
      return moveCard(tx, card.id, { columnId, index: a })
    case 'edit':
      return updateCard(tx, card.id, { title: `title ${a}.${b}`, labels: [`l${b}`] })
    case 'assign':
      return updateCard(tx, card.id, { assignedAgentId: a < 3 ? null : (AGENTS[b % 2] ?? null) })
    case 'remove':
      return deleteCard(tx, card.id, undefined)
    case 'attempt':
      if (!card.attempt || ['failed', 'succeeded'].includes(card.attempt.status)) {
        return createAttempt(tx, card.id, { agent: AGENTS[b % 2] ?? 'ann', status: 'running' })
      }
      return updateAttempt(tx, card.attempt.id, { status: a < 5 ? 'succeeded' : 'failed' })
    case 'lines': {
      const attempt = cards.find(({ attempt }) => attempt)?.attempt
      if (!attempt) return undefined
      const message = (n: number) => `${n} ${'y'.repeat(big ? 2_000 : 10)}`
      return appendLines(
        tx,
        attempt.id,
        Array.from({ length: 1 + b }, (_, n) => ({ message: message(n) })),
      )
    }
    default:
      throw new Error(`unknown work ${kind}`)
  }
}
