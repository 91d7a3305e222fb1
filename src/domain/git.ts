/** What runners report about a board's repository. It is stored in the event log only; it has no rows. */
import type { EventPayload, EventType } from '../../shared/src/catalogue.ts'
import type { FileChange } from '../../shared/src/types/git.ts'
import { invalidField } from '../base/errors.ts'
import { findAttemptRefs } from '../db/rows/attempts.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { requireBoard } from './boards.ts'

const PUSH_FAILED = 'push failed'

type About = 'boardId' | 'cardId'
/** What listeners see. */
type Shown<Type extends EventType> = Omit<EventPayload<Type>, About>
type AttemptId = { readonly attemptId?: string | null | undefined }
type Time = { readonly ts?: string | undefined }

export type GitStatus = Omit<EventPayload<'git.status.changed'>, About | 'attemptId'> & AttemptId
export type Commit = Omit<EventPayload<'git.commit.created'>, About | 'attemptId' | 'ts'> & AttemptId & Time
export type Push = Omit<EventPayload<'git.push.completed'>, About | 'attemptId' | 'ts'> &
  AttemptId &
  Time & { readonly ok?: boolean | undefined; readonly error?: string | null | undefined }
export type Operation = Omit<EventPayload<'git.operation.completed'>, About | 'details'> &
  Partial<Pick<EventPayload<'git.operation.completed'>, 'details'>>

/**
 * Throws `board_not_found`, as do all functions here, and `validation_failed` for an attempt that is not on the board.
 */
export async function reportGitStatus(tx: Tx, boardId: string, given: GitStatus): Promise<void> {
  const { attemptId, cardId } = await aboutOf(tx.sql, boardId, given)
  const { branch, ahead, behind, hasUncommitted, summary, files } = given
  tx.emit('git.status.changed', {
    boardId,
    cardId,
    attemptId: attemptId ?? undefined,
    branch,
    ahead,
    behind,
    hasUncommitted,
    summary,
    files,
  })
}

/** Resolves to what listeners see, as do the functions below. */
export async function reportCommit(tx: Tx, boardId: string, given: Commit): Promise<Shown<'git.commit.created'>> {
  const { attemptId, cardId } = await aboutOf(tx.sql, boardId, given)
  const { shortSha, subject, author, ts = tx.now } = given
  const shown = { attemptId, shortSha, subject, author, ts }
  tx.emit('git.commit.created', { boardId, cardId, ...shown })
  return shown
}

/** A push succeeded unless `ok` is false. */
export async function reportPush(
  tx: Tx,
  boardId: string,
  given: Push,
): Promise<Shown<'git.push.completed'> | Shown<'git.push.failed'>> {
  const { attemptId, cardId } = await aboutOf(tx.sql, boardId, given)
  const { remote, branch, ok = true, error = null, ts = tx.now } = given
  const push = { attemptId, remote, branch, ts }
  if (ok) {
    if (error !== null) throw invalidField('error', 'is only for a push that failed; send ok: false with it')
    tx.emit('git.push.completed', { boardId, cardId, ...push })
    return push
  }
  const failed = { ...push, error: error ?? PUSH_FAILED }
  tx.emit('git.push.failed', { boardId, cardId, ...failed })
  return failed
}

export async function reportGitOperation(
  tx: Tx,
  boardId: string,
  given: Operation,
): Promise<Shown<'git.operation.completed'>> {
  await requireBoard(tx.sql, boardId)
  const { operation, ok, details = null } = given
  const shown = { operation, ok, details }
  tx.emit('git.operation.completed', { boardId, ...shown })
  return shown
}

/** Emits one event per file and resolves to their number. Only a renamed file may have an `oldPath`. */
export async function reportFileChanges(tx: Tx, boardId: string, changes: readonly FileChange[]): Promise<number> {
  await requireBoard(tx.sql, boardId)
  for (const [index, { path, kind, oldPath }] of changes.entries()) {
    if (oldPath !== undefined && kind !== 'renamed') {
      throw invalidField(`changes.${index}.oldPath`, `is only for a file that was renamed, not ${kind}`)
    }
    tx.emit('file.changed', { boardId, path, kind, oldPath })
  }
  return changes.length
}

async function aboutOf(sql: Sql, boardId: string, given: AttemptId) {
  await requireBoard(sql, boardId)
  const attemptId = given.attemptId ?? null
  if (attemptId === null) return { attemptId, cardId: undefined }
  const attempt = await findAttemptRefs(sql, attemptId)
  if (attempt?.boardId !== boardId) throw invalidField('attemptId', 'is not the id of an attempt on this board')
  return { attemptId, cardId: attempt.cardId }
}
