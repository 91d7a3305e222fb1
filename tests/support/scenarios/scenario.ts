/** How a test triggers an event, and what every channel then shows. Written by hand from the page of the catalogue. */
import type { ChannelKind } from '../../../shared/src/channels.ts'
import { makeBoard, makeCard } from '../board.ts'
import type { TestServer } from '../server.ts'

/** What one request committed. */
export interface Happened {
  /** `Event-Id` of the answer: the id of the last event. */
  readonly eventId: string
  /** Domain names of everything that the request committed, in order. */
  readonly sequence: readonly string[]
  /** The time of the commit, if the answer contains it. */
  readonly at?: string
  /** The whole payload, as `global` shows it: fields in the catalogue's order. */
  readonly full: object
  /** What shows on the channels of each kind that the event reaches: the wire name and the payload. */
  readonly shows: Partial<Record<ChannelKind | '*', readonly [event: string, data: object]>>
  /** Ids that are unknown before the request: their channels can only be replayed. */
  readonly made?: Partial<Ids>
}

/** The ids that name the channels of a scene. */
export interface Ids {
  readonly boardId: string
  readonly cardId: string
  readonly attemptId: string
  readonly agentId: string
  /** A channel without events, for a scene that has none of these. */
  readonly runId?: string
  readonly shellId?: string
}

/** Everything is prepared; `act` sends the one request. */
export interface Scene extends Ids {
  act(): Promise<Happened>
}

export type Scenario = (server: TestServer) => Promise<Scene>

/** Ids of resources that do not exist yet: their channels can be opened before. */
export const NOWHERE = { cardId: 'crd_none', attemptId: 'att_none', agentId: 'agent-none' } as const

let made = 0

/** A separate agent for every scenario. */
export function newAgentId(): string {
  return `agent-of-scenario-${++made}`
}

/** A board, its columns by key, and a card in the first of them. */
export async function boardWithCard(server: TestServer, fields: object = {}) {
  const board = await makeBoard(server)
  const card = await makeCard(server, board.id, fields)
  const column = Object.fromEntries(board.columns.map(({ key, id }) => [key ?? '', id])) as Readonly<
    Record<'backlog' | 'in_progress' | 'review' | 'done', string>
  >
  return { board, boardId: board.id, card, cardId: card.id, column }
}

/** Calls a route and throws unless it answers 2xx. */
export async function send<T>(server: TestServer, method: string, path: string, body?: object) {
  const { status, eventId, body: answer } = await server.call<T>(method, path, body)
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`)
  return { answer, eventId }
}
