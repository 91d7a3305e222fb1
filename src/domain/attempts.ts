/** Attempts at cards: made, started, ended, and where their card goes meanwhile. */
import {
  type Attempt,
  type AttemptStatus,
  type Card,
  IN_PROGRESS_COLUMN_KEY,
  REVIEW_COLUMN_KEY,
} from '../../shared/src/types/kanban.ts'
import { invalidField, Problem } from '../base/errors.ts'
import {
  findActiveAttempt,
  findAttempt,
  insertAttempt,
  isProfileOfBoard,
  listActiveAttempts,
  listNewestStandings,
  saveAttempt,
} from '../db/rows/attempts.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { attemptNotFound } from './attempt-place.ts'
import { checkTransition, isFinal } from './attempt-status.ts'
import { getCard, isInDoneColumn, moveCardToEnd } from './cards.ts'
import { newId } from './ids.ts'

export interface NewAttempt {
  readonly agent: string
  readonly profileId?: string | null | undefined
  readonly baseBranch?: string | null | undefined
  readonly branchName?: string | null | undefined
  readonly status?: 'queued' | 'running' | undefined
}

/** A field that is not given stays as it is. */
export type AttemptChanges = Partial<Pick<Attempt, 'status' | 'exitCode' | 'error' | 'worktreePath' | 'branchName'>>

/** Throws `attempt_not_found`. */
export async function getAttempt(sql: Sql, id: string): Promise<Attempt> {
  const attempt = await findAttempt(sql, id)
  if (!attempt) throw attemptNotFound(id)
  return attempt
}

/** Makes an attempt at a card; one made `running` is queued and started in the same breath. */
export async function createAttempt(tx: Tx, cardId: string, given: NewAttempt): Promise<Attempt> {
  const card = await getCard(tx.sql, cardId)
  const profileId = given.profileId ?? null
  if (profileId !== null && !(await isProfileOfBoard(tx.sql, profileId, card.boardId))) {
    throw invalidField('profileId', 'is not the id of a profile of this board or of every board')
  }
  await checkWorkable(tx.sql, card)
  const active = await findActiveAttempt(tx.sql, cardId)
  if (active) {
    throw new Problem(
      'conflict',
      `The card has an attempt that is ${active.status}, ${active.id}. End it before you make another.`,
    )
  }
  const queued: Attempt = {
    id: newId('att'),
    boardId: card.boardId,
    cardId,
    agent: given.agent,
    profileId,
    status: 'queued',
    baseBranch: given.baseBranch ?? null,
    branchName: given.branchName ?? null,
    worktreePath: null,
    sessionId: null,
    pr: null,
    exitCode: null,
    error: null,
    startedAt: null,
    endedAt: null,
    createdAt: tx.now,
    updatedAt: tx.now,
  }
  await insertAttempt(tx.sql, queued)
  tx.emit('attempt.queued', standingOf(queued, null))
  return given.status === 'running' ? start(tx, queued, card) : queued
}

/**
 * Changes an attempt. Only a change of status is an event; it carries the exit code and the error that come with it.
 * Throws `invalid_transition`; `card_done` or `blocked_by_dependencies` when the card forbids the start.
 */
export async function updateAttempt(tx: Tx, id: string, changes: AttemptChanges): Promise<Attempt> {
  const attempt = await getAttempt(tx.sql, id)
  const { status, ...fields } = changes
  const next = withFields(attempt, fields)
  if (status !== undefined) return changeStatus(tx, next, status)
  if (next === attempt) return attempt
  const saved = { ...next, updatedAt: tx.now }
  await saveAttempt(tx.sql, saved)
  return saved
}

/** Asks a running attempt to stop; one that still waits is stopped. */
export async function stopAttempt(tx: Tx, id: string): Promise<Attempt> {
  const attempt = await getAttempt(tx.sql, id)
  return changeStatus(tx, attempt, attempt.status === 'queued' ? 'stopped' : 'stopping')
}

/** Fails every attempt that was not at its end when the service went down. Resolves to how many there were. */
export async function settleInterrupted(tx: Tx): Promise<number> {
  const attempts = await listActiveAttempts(tx.sql)
  for (const attempt of attempts) await changeStatus(tx, { ...attempt, error: 'interrupted' }, 'failed')
  return attempts.length
}

/** What a fresh listener of a board is told first: the newest attempt of every card, newest first. */
export async function newestAttemptStatuses(sql: Sql, boardId: string): Promise<readonly object[]> {
  const standings = await listNewestStandings(sql, boardId)
  return standings.map(({ id, cardId, agent, status, previousStatus, endedAt, exitCode, error }) => ({
    attemptId: id,
    cardId,
    agent,
    status,
    previousStatus,
    endedAt,
    exitCode,
    error,
    replayed: true,
  }))
}

/** Takes an attempt on to another status; what else differs from its row is written along. */
async function changeStatus(tx: Tx, attempt: Attempt, to: AttemptStatus): Promise<Attempt> {
  checkTransition(attempt.status, to)
  if (to === 'running') {
    const card = await getCard(tx.sql, attempt.cardId)
    await checkWorkable(tx.sql, card)
    return start(tx, attempt, card)
  }
  const changed = await saveStatus(tx, attempt, to)
  // A card that somebody called done meanwhile is done: success does not take it back to review.
  if (to === 'succeeded' && !(await isInDoneColumn(tx.sql, attempt.cardId))) {
    await moveCardToEnd(tx, attempt.cardId, REVIEW_COLUMN_KEY)
  }
  return changed
}

async function start(tx: Tx, attempt: Attempt, card: Card): Promise<Attempt> {
  const running = await saveStatus(tx, { ...attempt, startedAt: tx.now }, 'running')
  tx.emit('attempt.started', {
    boardId: attempt.boardId,
    stage: card.stage,
    attemptId: attempt.id,
    cardId: attempt.cardId,
    agent: attempt.agent,
  })
  await moveCardToEnd(tx, attempt.cardId, IN_PROGRESS_COLUMN_KEY)
  return running
}

async function saveStatus(tx: Tx, attempt: Attempt, status: AttemptStatus): Promise<Attempt> {
  const changed: Attempt = { ...attempt, status, endedAt: isFinal(status) ? tx.now : null, updatedAt: tx.now }
  await saveAttempt(tx.sql, changed)
  tx.emit('attempt.status.changed', standingOf(changed, attempt.status))
  return changed
}

/** Throws when nobody may work on the card now. */
async function checkWorkable(sql: Sql, card: Card): Promise<void> {
  if (await isInDoneColumn(sql, card.id)) {
    throw new Problem('card_done', 'The card is in a done column. Move it out before an attempt works on it.')
  }
  if (card.blocked) {
    throw new Problem(
      'blocked_by_dependencies',
      'The card depends on cards that are not done. Finish them, or change its dependsOn.',
    )
  }
}

/** The attempt itself when no field differs. */
function withFields(attempt: Attempt, fields: Omit<AttemptChanges, 'status'>): Attempt {
  const next: Attempt = {
    ...attempt,
    exitCode: fields.exitCode === undefined ? attempt.exitCode : fields.exitCode,
    error: fields.error === undefined ? attempt.error : fields.error,
    worktreePath: fields.worktreePath === undefined ? attempt.worktreePath : fields.worktreePath,
    branchName: fields.branchName === undefined ? attempt.branchName : fields.branchName,
  }
  const isSame =
    next.exitCode === attempt.exitCode &&
    next.error === attempt.error &&
    next.worktreePath === attempt.worktreePath &&
    next.branchName === attempt.branchName
  return isSame ? attempt : next
}

function standingOf(attempt: Attempt, previousStatus: AttemptStatus | null) {
  return {
    boardId: attempt.boardId,
    attemptId: attempt.id,
    cardId: attempt.cardId,
    agent: attempt.agent,
    status: attempt.status,
    previousStatus,
    endedAt: attempt.endedAt,
    exitCode: attempt.exitCode,
    error: attempt.error,
  }
}
