/** What an attempt is tied to outside: the agent's session that runs it, the pull request that came of it. */
import type { Attempt, PullRequest } from '../../shared/src/types/kanban.ts'
import { saveAttempt } from '../db/rows/attempts.ts'
import type { Tx } from '../db/store.ts'
import { getAttempt } from './attempts.ts'
import { setPrUrl } from './cards.ts'

export interface SessionOfAttempt {
  readonly sessionId: string
  readonly worktreePath?: string | undefined
}

/** Records the session, and the work tree when it is told. What was known before is no event. */
export async function recordSession(tx: Tx, attemptId: string, given: SessionOfAttempt): Promise<Attempt> {
  const attempt = await getAttempt(tx.sql, attemptId)
  const { sessionId, worktreePath = attempt.worktreePath } = given
  if (sessionId === attempt.sessionId && worktreePath === attempt.worktreePath) return attempt
  const changed = { ...attempt, sessionId, worktreePath, updatedAt: tx.now }
  await saveAttempt(tx.sql, changed)
  tx.emit('attempt.session.recorded', {
    boardId: attempt.boardId,
    cardId: attempt.cardId,
    agentId: attempt.agent,
    attemptId,
    sessionId,
    worktreePath: given.worktreePath,
  })
  return changed
}

/** Records the pull request, and its address on the card. The record that is there already is no event. */
export async function recordPullRequest(tx: Tx, attemptId: string, pr: PullRequest): Promise<Attempt> {
  let attempt = await getAttempt(tx.sql, attemptId)
  // Both were parsed by one schema, so equal records have equal texts.
  if (JSON.stringify(pr) !== JSON.stringify(attempt.pr)) {
    attempt = { ...attempt, pr, updatedAt: tx.now }
    await saveAttempt(tx.sql, attempt)
    const { boardId, cardId, agent } = attempt
    tx.emit('github.pr.created', { boardId, agentId: agent, attemptId, cardId, pr })
  }
  await setPrUrl(tx, attempt.cardId, pr.url)
  return attempt
}
