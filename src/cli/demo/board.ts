import type { Api } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { BoardResponse, type BoardState, Card } from '../api/responses.ts'
import { CommandError, exitCode } from '../process/exit.ts'
import type { Story } from './stories.ts'

/** The columns that the demo moves cards through. */
const neededColumns = ['backlog', 'in_progress', 'review', 'done'] as const
export type ColumnKey = (typeof neededColumns)[number]

/** The board that the demo plays on. */
export interface DemoBoard {
  readonly id: string
  read(): Promise<BoardState>
  /** Adds a card for a story; its dependencies are found by title among the cards added before. */
  add(story: Story): Promise<void>
  /** Whether the demo created this card, and so may delete it. */
  isOurs(cardId: string): boolean
  move(cardId: string, columnKey: ColumnKey): Promise<void>
  remove(cardId: string): Promise<void>
}

/** Opens the board; creates it if it does not exist. */
export async function openBoard(api: Api, id: string): Promise<DemoBoard> {
  const path = `/boards/${encodeURIComponent(id)}`
  const made = new Set<string>()
  const newestByTitle = new Map<string, string>()

  async function read(): Promise<BoardState> {
    const { value } = await api.read(BoardResponse, 'GET', path)
    return value.state
  }

  const state = await read().catch(async (error: unknown) => {
    if (!(error instanceof Refused && error.status === 404)) throw error
    const ticketPrefix =
      id
        .toUpperCase()
        .replace(/[^A-Z0-9]/g, '')
        .slice(0, 6) || 'DEMO'
    const description = 'A shop called Harbour, four agents, and no end of work. Made by `boardcast demo`.'
    await api.send('POST', '/boards', { body: { id, name: 'Harbour shop', description, ticketPrefix } })
    return await read()
  })
  for (const key of neededColumns) {
    if (columnOf(state, key) !== undefined) continue
    throw new CommandError(
      exitCode.failed,
      `board "${id}" has no column with the key ${key}: choose another board with --board, or a new name to create one.`,
    )
  }

  return {
    id,
    read,
    async add(story) {
      const dependsOn = (story.after ?? []).flatMap((before) => newestByTitle.get(before) ?? [])
      const { title, description, type: ticketType, priority, labels } = story
      const body = { title, description, ticketType, priority, labels, dependsOn, columnKey: 'backlog' }
      const { value } = await api.read(Card, 'POST', `${path}/cards`, { body })
      made.add(value.id)
      newestByTitle.set(title, value.id)
    },
    isOurs: (cardId) => made.has(cardId),
    async move(cardId, columnKey) {
      await ignoringConflicts(api.send('POST', `/cards/${cardId}/move`, { body: { columnKey } }))
    },
    async remove(cardId) {
      made.delete(cardId)
      await ignoringConflicts(api.send('DELETE', `/cards/${cardId}`))
    },
  }
}

/** The cards of a column, in order. */
export function cardsIn(state: BoardState, key: ColumnKey): Card[] {
  return (columnOf(state, key)?.cardIds ?? []).flatMap((id) => state.cards[id] ?? [])
}

function columnOf(state: BoardState, key: ColumnKey) {
  return Object.values(state.columns).find((column) => column.key === key)
}

/** A person may have moved or deleted the card since it was read; the person's change stands. */
async function ignoringConflicts(sent: Promise<unknown>): Promise<void> {
  try {
    await sent
  } catch (error) {
    if (!(error instanceof Refused && (error.status === 404 || error.status === 409))) throw error
  }
}
