import { userInfo } from 'node:os'
import type { Api } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { Attempt, Card } from '../api/responses.ts'
import { CommandError, exitCode } from '../process/exit.ts'

/** What a run works on: an existing card, or a new card on a board. */
export type RunTarget = { readonly cardId: string } | { readonly boardId: string; readonly title: string }

/** The attempt that a run has created. */
export interface StartedAttempt {
  readonly id: string
  readonly boardId: string
  /** The ticket key, or the card's id if the token may not read the card. */
  readonly label: string
  /** The id of the event that created it, to listen from there. */
  readonly since: string | undefined
}

/**
 * Creates the attempt, and the card and the board if necessary. It posts without reading first, because a token for
 * publishing may not be allowed to read.
 */
export async function startAttempt(api: Api, target: RunTarget, agent: string | undefined): Promise<StartedAttempt> {
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
    if (error.status === 409) return // another run has created it in the meantime
    if (error.status !== 422) throw error
    throw new CommandError(
      exitCode.usage,
      `board "${boardId}" does not exist and cannot be created: use up to 64 lower-case letters, digits, - and _, beginning with a letter or digit. (${error.message})`,
    )
  }
}

/** Only for messages on stderr, so any failure counts as "unknown". */
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
    // Agent ids are also parts of channel names.
    return (
      userInfo()
        .username.replace(/[^\w.:-]/g, '-')
        .slice(0, 200) || 'cli'
    )
  } catch {
    return 'cli' // in a container, the user may have no name
  }
}
