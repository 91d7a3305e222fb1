import { userInfo } from 'node:os'
import type { Api } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { Attempt, Card } from '../api/replies.ts'
import { CommandError, exitCode } from '../process/exit.ts'

/** What a run works on: a card that exists, or a new one. */
export type RunTarget = { readonly cardId: string } | { readonly boardId: string; readonly title: string }

/** The attempt that a run made, with what there is to say about it. */
export interface BegunAttempt {
  readonly id: string
  readonly boardId: string
  /** The ticket key, or the card's id when the token may not read the card. */
  readonly label: string
  /** The id of the event that made it; listening starts here. */
  readonly since: string | undefined
}

/**
 * Makes the attempt, and before it the card and the board where they are missing. It posts before it asks, because a
 * token for publishing need not have the right to read.
 */
export async function beginAttempt(api: Api, target: RunTarget, agent: string | undefined): Promise<BegunAttempt> {
  const card = 'cardId' in target ? undefined : await createCard(api, target)
  const cardId = 'cardId' in target ? target.cardId : card?.id
  const { value: attempt, eventId } = await api.read(
    Attempt,
    'POST',
    `/cards/${encodeURIComponent(cardId ?? '')}/attempts`,
    {
      body: { agent: agent ?? defaultAgent(), status: 'running' },
    },
  )
  const shown = card ?? (await readCard(api, attempt.cardId))
  return { id: attempt.id, boardId: attempt.boardId, label: shown?.ticketKey ?? attempt.cardId, since: eventId }
}

async function createCard(api: Api, { boardId, title }: { boardId: string; title: string }): Promise<Card> {
  const post = async () => {
    const { value } = await api.read(Card, 'POST', `/boards/${encodeURIComponent(boardId)}/cards`, { body: { title } })
    return value
  }
  try {
    return await post()
  } catch (error) {
    if (!(error instanceof Refused && error.status === 404)) throw error
  }
  await createBoard(api, boardId)
  return await post()
}

async function createBoard(api: Api, boardId: string): Promise<void> {
  try {
    await api.send('POST', '/boards', { body: { id: boardId, name: boardId } })
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    if (error.status === 409) return // another run made it in the meantime
    if (error.status !== 422) throw error
    throw new CommandError(
      exitCode.usage,
      `there is no board "${boardId}" and none can be made under that id: use lower-case letters, digits, - and _, up to 64, beginning with a letter or digit. (${error.message})`,
    )
  }
}

/** Only for the talk on stderr, so any refusal is as good as "unknown". */
async function readCard(api: Api, cardId: string): Promise<Card | undefined> {
  try {
    const { value } = await api.read(Card, 'GET', `/cards/${cardId}`)
    return value
  } catch {
    return undefined
  }
}

function defaultAgent(): string {
  try {
    // Names of agents are names of channels too.
    return (
      userInfo()
        .username.replace(/[^\w.:-]/g, '-')
        .slice(0, 200) || 'cli'
    )
  } catch {
    return 'cli' // a container whose user has no name
  }
}
