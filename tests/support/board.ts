/** Boards, cards and attempts, created over HTTP like clients do. */
import type { Attempt, Board, BoardState, Card } from '../../shared/src/types/kanban.ts'
import type { TestServer } from './server.ts'

let made = 0

export type Made<T> = T & { readonly eventId: string }

/** A separate board for every test, so that tests can share a server. */
export function makeBoard(server: TestServer, id = `board-${++made}`): Promise<Made<Board>> {
  return server.post<Board>('/boards', { id, name: `Board ${id}` })
}

export function makeCard(server: TestServer, boardId: string, fields: object = {}): Promise<Made<Card>> {
  return server.post<Card>(`/boards/${boardId}/cards`, { title: 'A card', ...fields })
}

/** An attempt with a new agent, unless `fields` name one. */
export function makeAttempt(server: TestServer, cardId: string, fields: object = {}): Promise<Made<Attempt>> {
  return server.post<Attempt>(`/cards/${cardId}/attempts`, { agent: `agent-${++made}`, status: 'running', ...fields })
}

/** A board with a card that an agent works on. */
export async function makeWork(server: TestServer): Promise<{ boardId: string; card: Card; attempt: Made<Attempt> }> {
  const board = await makeBoard(server)
  const card = await makeCard(server, board.id)
  return { boardId: board.id, card, attempt: await makeAttempt(server, card.id) }
}

export function appendLines(server: TestServer, attemptId: string, messages: readonly string[]): Promise<Made<object>> {
  return server.post(`/attempts/${attemptId}/logs`, { lines: messages.map((message) => ({ message })) })
}

export async function boardState(server: TestServer, boardId: string): Promise<BoardState> {
  return (await server.get<{ state: BoardState }>(`/boards/${boardId}`)).state
}

export async function deleteBoard(server: TestServer, boardId: string): Promise<string> {
  return (await server.call('DELETE', `/boards/${boardId}`)).eventId
}

/** Repeats `condition`, a request each time, and resolves when it returns something. */
export async function eventually<T>(what: string, condition: () => Promise<T | undefined | false>): Promise<T> {
  const end = Date.now() + 10_000
  while (Date.now() < end) {
    const value = await condition()
    if (value) return value
  }
  throw new Error(`waited for ${what}`)
}

/** The sequence number in an id. */
export function positionOf(id: string): number {
  return Number(id.split('-')[1])
}

export interface Stats {
  readonly connections: Readonly<Record<'total' | 'sse' | 'ws' | 'socketio' | 'behind', number>>
  readonly bytes: { readonly pending: number }
  readonly channelStats: Readonly<Record<string, number>>
  readonly log: { readonly oldest: string; readonly newest: string; readonly chatter: { readonly events: number } }
}

export async function stats(server: TestServer): Promise<Stats> {
  return (await fetch(`${server.url}/stats`)).json() as Promise<Stats>
}
