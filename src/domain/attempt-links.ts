/** What an attempt links to outside: the session that runs it and the pull request that it produced. */
import type { Attempt, PullRequest } from '../../shared/src/types/kanban.ts'
import { saveAttempt } from '../db/rows/attempts.ts'
import type { Tx } from '../db/store.ts'
import { getAttempt } from './attempts.ts'
import { setPrUrl } from './cards.ts'

export interface SessionLink {
  readonly sessionId: string
  readonly worktreePath?: string | undefined
}

/** Records the session, and the work tree if given. Emits nothing when nothing changes. Throws `attempt_not_found`. */
export async function recordSession(tx: Tx, attemptId: string, link: SessionLink): Promise<Attempt> {
  const attempt = await getAttempt(tx.sql, attemptId)
  const { sessionId, worktreePath = attempt.worktreePath } = link
  if (sessionId === attempt.sessionId && worktreePath === attempt.worktreePath) return attempt
  const changed = { ...attempt, sessionId, worktreePath, updatedAt: tx.now }
  await saveAttempt(tx.sql, changed)
  tx.emit('attempt.session.recorded', {
    boardId: attempt.boardId,
    cardId: attempt.cardId,
    agentId: attempt.agent,
    attemptId,
    sessionId,
    worktreePath: link.worktreePath,
  })
  return changed
}

/** Records the pull request, and its URL on the card. Emits nothing when nothing changes. Throws `attempt_not_found`. */
export async function recordPullRequest(tx: Tx, attemptId: string, pr: PullRequest): Promise<Attempt> {
  let attempt = await getAttempt(tx.sql, attemptId)
  // Both were parsed by the same schema, so equal records have equal JSON.
  if (JSON.stringify(pr) !== JSON.stringify(attempt.pr)) {
    attempt = { ...attempt, pr, updatedAt: tx.now }
    await saveAttempt(tx.sql, attempt)
    const { boardId, cardId, agent } = attempt
    tx.emit('github.pr.created', { boardId, agentId: agent, attemptId, cardId, pr })
  }
  await setPrUrl(tx, attempt.cardId, pr.url)
  return attempt
}
