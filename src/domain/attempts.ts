/** Attempts at cards: how they are created, start and end, and how their card moves with them. */
import {
  type Attempt,
  type AttemptStatus,
  type Card,
  IN_PROGRESS_COLUMN_KEY,
  REVIEW_COLUMN_KEY,
} from '../../shared/src/types/kanban.ts'
import { invalidField, Problem } from '../base/errors.ts'
import { findProfileForBoard } from '../db/rows/agent-profiles.ts'
import {
  type AttemptRefs,
  findActiveAttempt,
  findAttempt,
  findAttemptRefs,
  insertAttempt,
  listActiveAttempts,
  listAttemptsOfCard,
  listNewestAttempts,
  saveAttempt,
} from '../db/rows/attempts.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { channelsOfProfile } from './agent-profiles.ts'
import { checkTransition, isFinal } from './attempt-status.ts'
import { getCard, isInDoneColumn, moveCardToEnd } from './cards.ts'
import { newId } from './ids.ts'
import { KNOWS_ALL, type Knows } from './knows.ts'

export interface NewAttempt {
  readonly agent: string
  readonly profileId?: string | null | undefined
  readonly baseBranch?: string | null | undefined
  readonly branchName?: string | null | undefined
  readonly status?: 'queued' | 'running' | undefined
}

/** Fields that are left out keep their value. */
export type AttemptChanges = Partial<Pick<Attempt, 'status' | 'exitCode' | 'error' | 'worktreePath' | 'branchName'>>

/** Throws `attempt_not_found`. */
export async function getAttempt(sql: Sql, id: string): Promise<Attempt> {
  const attempt = await findAttempt(sql, id)
  if (!attempt) throw attemptNotFound(id)
  return attempt
}

/** Every attempt at a card, newest first. Throws `card_not_found`. */
export async function listCardAttempts(sql: Sql, cardId: string): Promise<Attempt[]> {
  await getCard(sql, cardId)
  return listAttemptsOfCard(sql, cardId)
}

/** A mutation or a snapshot. */
interface Reader {
  readonly sql: Sql
}

/** What the right to change an attempt was decided by: the change itself does not look it up again. */
const lookedUp = new WeakMap<Reader, AttemptRefs & { readonly id: string }>()

/** Looks an attempt up for a right. What follows in the same mutation finds it by `getAttemptRefs`. */
export async function lookUpAttemptRefs(reader: Reader, id: string): Promise<AttemptRefs | undefined> {
  const refs = await findAttemptRefs(reader.sql, id)
  if (refs) lookedUp.set(reader, { ...refs, id })
  return refs
}

/** The ids that events about an attempt carry; cheaper than the whole attempt. Throws `attempt_not_found`. */
export async function getAttemptRefs(reader: Reader, id: string): Promise<AttemptRefs> {
  const known = lookedUp.get(reader)
  const refs = known?.id === id ? known : await findAttemptRefs(reader.sql, id)
  if (!refs) throw attemptNotFound(id)
  return refs
}

/**
 * Creates an attempt at a card. With `running` it is queued and started in the same transaction. Throws `card_not_found`;
 * `card_done`, `blocked_by_dependencies` or `conflict` when the card does not allow another attempt.
 */
export async function createAttempt(
  tx: Tx,
  cardId: string,
  given: NewAttempt,
  knows: Knows = KNOWS_ALL,
): Promise<Attempt> {
  const card = await getCard(tx.sql, cardId)
  const profileId = given.profileId ?? null
  const profile = profileId === null ? undefined : await findProfileForBoard(tx.sql, profileId, card.boardId)
  if (profileId !== null && !(profile && channelsOfProfile(profile).some(knows))) {
    throw invalidField('profileId', 'is not the id of a profile that this board can use')
  }
  await checkWorkable(tx.sql, card)
  const active = await findActiveAttempt(tx.sql, cardId)
  if (active) {
    throw new Problem(
      'conflict',
      `The card already has an attempt that is ${active.status}: ${active.id}. End it before you create another.`,
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
  tx.emit('attempt.queued', payloadOf(queued, null))
  return given.status === 'running' ? start(tx, queued, card) : queued
}

/**
 * Changes an attempt. Only a change of status emits an event, with the exit code and the error that came with it. Throws
 * `attempt_not_found` or `invalid_transition`; `card_done` or `blocked_by_dependencies` when the card prevents a start.
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

/** Asks a running attempt to stop; a queued one is stopped at once. Throws `attempt_not_found` or `invalid_transition`. */
export async function stopAttempt(tx: Tx, id: string): Promise<Attempt> {
  const attempt = await getAttempt(tx.sql, id)
  return changeStatus(tx, attempt, attempt.status === 'queued' ? 'stopped' : 'stopping')
}

/** Fails every attempt that was still active when the server died. Resolves to their number. */
export async function settleInterrupted(tx: Tx): Promise<number> {
  const attempts = await listActiveAttempts(tx.sql)
  for (const attempt of attempts) await changeStatus(tx, { ...attempt, error: 'interrupted' }, 'failed')
  return attempts.length
}

/** The newest attempt of every card, newest first: replayed to a fresh listener of the board. */
export async function newestAttemptStatuses(sql: Sql, boardId: string): Promise<readonly object[]> {
  const attempts = await listNewestAttempts(sql, boardId)
  return attempts.map(({ id, cardId, agent, status, previousStatus, endedAt, exitCode, error }) => ({
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

/** Changes the status, and saves any other field of `attempt` that differs from its row. */
async function changeStatus(tx: Tx, attempt: Attempt, to: AttemptStatus): Promise<Attempt> {
  checkTransition(attempt.status, to)
  if (to === 'running') {
    const card = await getCard(tx.sql, attempt.cardId)
    await checkWorkable(tx.sql, card)
    return start(tx, attempt, card)
  }
  const changed = await saveStatus(tx, attempt, to)
  // If somebody has moved the card to done meanwhile, success does not move it back to review.
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
  tx.emit('attempt.status.changed', payloadOf(changed, attempt.status))
  return changed
}

/** Throws `card_done` or `blocked_by_dependencies` when no attempt may work on the card now. */
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

/** Returns `attempt` itself when no field differs. */
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

function attemptNotFound(id: string): Problem {
  return new Problem('attempt_not_found', `There is no attempt ${id}.`)
}

function payloadOf(attempt: Attempt, previousStatus: AttemptStatus | null) {
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
