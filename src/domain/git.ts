/** What runners tell of a board's repository. It is passed on and kept in the log; there are no rows of it. */
import type { EventPayload } from '../../shared/src/catalogue.ts'
import type { FileChange } from '../../shared/src/types/git.ts'
import { invalidField } from '../base/errors.ts'
import { findAttemptPlace } from '../db/rows/attempts.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { requireBoard } from './boards.ts'

const PUSH_FAILED = 'push failed'

type About = 'boardId' | 'cardId'
type AttemptId = { readonly attemptId?: string | null | undefined }
type Time = { readonly ts?: string | undefined }

export type GitStatus = Omit<EventPayload<'git.status.changed'>, About | 'attemptId'> & AttemptId
export type Commit = Omit<EventPayload<'git.commit.created'>, About | 'attemptId' | 'ts'> & AttemptId & Time
export type Push = Omit<EventPayload<'git.push.completed'>, About | 'attemptId' | 'ts'> &
  AttemptId &
  Time & { readonly ok?: boolean | undefined; readonly error?: string | null | undefined }
export type Operation = Omit<EventPayload<'git.operation.completed'>, About | 'details'> &
  Partial<Pick<EventPayload<'git.operation.completed'>, 'details'>>

/** Throws `board_not_found`, as all of these do; `validation_failed` for an attempt that is not of the board. */
export async function tellStatus(tx: Tx, boardId: string, given: GitStatus): Promise<void> {
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

/** Resolves to what listeners are shown, as the rest of these do. */
export async function tellCommit(tx: Tx, boardId: string, given: Commit): Promise<object> {
  const { attemptId, cardId } = await aboutOf(tx.sql, boardId, given)
  const { shortSha, subject, author, ts = tx.now } = given
  const shown = { attemptId, shortSha, subject, author, ts }
  tx.emit('git.commit.created', { boardId, cardId, ...shown })
  return shown
}

/** A push succeeded unless `ok` is false. */
export async function tellPush(tx: Tx, boardId: string, given: Push): Promise<object> {
  const { attemptId, cardId } = await aboutOf(tx.sql, boardId, given)
  const { remote, branch, ok = true, error = null, ts = tx.now } = given
  const push = { attemptId, remote, branch, ts }
  if (ok) {
    if (error !== null) throw invalidField('error', 'is only for a push that failed; give ok: false with it')
    tx.emit('git.push.completed', { boardId, cardId, ...push })
    return push
  }
  const failed = { ...push, error: error ?? PUSH_FAILED }
  tx.emit('git.push.failed', { boardId, cardId, ...failed })
  return failed
}

export async function tellOperation(tx: Tx, boardId: string, given: Operation): Promise<object> {
  await requireBoard(tx.sql, boardId)
  const { operation, ok, details = null } = given
  const shown = { operation, ok, details }
  tx.emit('git.operation.completed', { boardId, ...shown })
  return shown
}

/** One event a file; resolves to how many. Only a renamed file has an `oldPath`. */
export async function tellFileChanges(tx: Tx, boardId: string, changes: readonly FileChange[]): Promise<number> {
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
  const place = await findAttemptPlace(sql, attemptId)
  if (place?.boardId !== boardId) throw invalidField('attemptId', 'is not the id of an attempt on this board')
  return { attemptId, cardId: place.cardId }
}
