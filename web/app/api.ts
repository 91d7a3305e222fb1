/** The only file that calls the JSON API. */
import type { ProblemBody } from '../../shared/src/errors.ts'
import { API_PREFIX, HEADER } from '../../shared/src/protocol.ts'
import type { Attempt, AttemptStatus, Board, Card } from '../../shared/src/types/kanban.ts'
import { pathOf } from './address.ts'

/** A refusal of the server, in words for people. `status` is 0 if the server did not answer. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export async function listBoards(): Promise<Board[]> {
  const { boards } = await request<{ boards: Board[] }>('GET', '/boards')
  return boards
}

export async function getBoard(boardId: string): Promise<Board> {
  const { board } = await request<{ board: Board }>('GET', `/boards/${encodeURIComponent(boardId)}`)
  return board
}

export function createBoard(board: { id: string; name: string }): Promise<Board> {
  return request('POST', '/boards', board)
}

type NewCard = { title: string } & Partial<Pick<Card, 'ticketType' | 'priority' | 'labels' | 'dependsOn'>>

export function createCard(boardId: string, card: NewCard): Promise<Card> {
  return request('POST', `/boards/${encodeURIComponent(boardId)}/cards`, card)
}

export function createAttempt(cardId: string, attempt: { agent: string; status: AttemptStatus }): Promise<Attempt> {
  return request('POST', `/cards/${encodeURIComponent(cardId)}/attempts`, attempt)
}

export function updateAttempt(
  attemptId: string,
  changes: { status: AttemptStatus; exitCode: number },
): Promise<Attempt> {
  return request('PATCH', `/attempts/${encodeURIComponent(attemptId)}`, changes)
}

export function appendLog(attemptId: string, message: string): Promise<{ count: number }> {
  return request('POST', `/attempts/${encodeURIComponent(attemptId)}/logs`, { message })
}

async function request<Reply>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<Reply> {
  const response = await fetch(pathOf(`${API_PREFIX}${path}`), {
    method,
    ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  }).catch(() => undefined)
  if (!response) throw new Refusal(0, 'The server does not answer. Is it running?')
  // A redirect may have turned it into a GET, which does nothing.
  const isLost = method !== 'GET' && response.redirected && !response.headers.has(HEADER.eventId)
  if (isLost) throw new Refusal(0, NOT_OURS)
  if (!response.ok) throw new Refusal(response.status, await explain(response))
  const reply: Promise<Reply> = response.json()
  return await reply.catch(() => {
    throw new Refusal(0, NOT_OURS)
  })
}

const NOT_OURS =
  'Something other than Boardcast answered, such as a login page or a proxy. Nothing was changed. Try to reload the page.'

async function explain(response: Response): Promise<string> {
  // A proxy in between may answer without a problem body: then only the status is known.
  const problem = (await response.json().catch(() => ({}))) as Partial<ProblemBody>
  const faults = problem.errors?.map(({ path, message }) => (path ? `${path}: ${message}` : message)) ?? []
  const what = problem.title ?? `The server answered ${response.status}`
  const why = faults.length > 0 ? faults.join('; ') : problem.detail
  return why && why !== what ? `${what}: ${why}` : what
}
