import * as z from 'zod'
import { attempt, pullRequest } from '../../shared/src/types/kanban.ts'
import { recordPullRequest, recordSession } from '../domain/attempt-links.ts'
import type { Api } from './api.ts'
import { boardOrAttempt } from './things.ts'

const { worktreePath, sessionId } = attempt.shape

const session = z.strictObject({
  sessionId: sessionId.unwrap(),
  worktreePath: worktreePath.unwrap().optional(),
})

export function registerAttemptLinks(api: Api): void {
  api.mutate(
    'post',
    '/attempts/:id/session',
    { status: 200, right: boardOrAttempt, body: session },
    (tx, { params, body }) => recordSession(tx, params.id, body),
  )
  api.mutate(
    'post',
    '/attempts/:id/pr',
    { status: 200, right: boardOrAttempt, body: pullRequest },
    (tx, { params, body }) => recordPullRequest(tx, params.id, body),
  )
}
