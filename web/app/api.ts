/** The only file that calls the JSON API: through the hub, with its refusals in words for people. */
import type { Attempt, AttemptStatus, Board, Card } from '../../shared/src/types/kanban.ts'
import { BoardcastError } from '../client/index.ts'
import { hub } from './hub.ts'
import { currentToken, keepToken, untilSignedIn } from './session.ts'

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

/** Keeps the token for this tab if the server accepts it. */
export async function checkToken(token: string): Promise<void> {
  const before = currentToken()
  keepToken(token)
  try {
    await requestOnce('GET', '/boards')
  } catch (error) {
    // The token is known, and allows something else.
    if (error instanceof Refusal && error.status === 403) return
    keepToken(before)
    throw error
  }
}

/** Waits for somebody to sign in, and repeats, if the server asks for credentials: it has done nothing then. */
async function request<Body>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<Body> {
  for (;;) {
    try {
      return await requestOnce<Body>(method, path, body)
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 401)) throw error
      await untilSignedIn()
    }
  }
}

async function requestOnce<Body>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<Body> {
  try {
    // Without retries: people see at once why it failed, and decide themselves.
    const reply = await hub.request<Body>(method, path, body, { retries: 0 })
    return reply.body
  } catch (error) {
    throw error instanceof BoardcastError ? refusalOf(error) : error
  }
}

function refusalOf(error: BoardcastError): Refusal {
  switch (error.code) {
    case 'refused':
      return new Refusal(error.status ?? 0, explain(error))
    case 'unexpected':
      return new Refusal(0, NOT_OURS)
    default:
      return new Refusal(0, 'The server does not answer. Is it running?')
  }
}

const NOT_OURS =
  'Something other than Boardcast answered, such as a login page or a proxy. Nothing was changed. Try to reload the page.'

function explain({ status, problem }: BoardcastError): string {
  const faults = problem?.errors?.map(({ path, message }) => (path ? `${path}: ${message}` : message)) ?? []
  // A proxy in between may answer without a problem body: then only the status is known.
  const what = problem?.title ?? `The server answered ${status}`
  const why = faults.length > 0 ? faults.join('; ') : problem?.detail
  return why && why !== what ? `${what}: ${why}` : what
}
