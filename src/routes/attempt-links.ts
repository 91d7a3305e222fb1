import * as z from 'zod'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { named } from '../../shared/src/names.ts'
import { attempt, type PullRequest, pullRequest } from '../../shared/src/types/kanban.ts'
import { recordPullRequest, recordSession } from '../domain/attempt-links.ts'
import type { Api } from './api.ts'
import { exampleRunningAttempt } from './examples.ts'
import { boardOrAttempt } from './things.ts'

const { worktreePath, sessionId } = attempt.shape

const sessionLink = named(
  'SessionLink',
  z.strictObject({
    sessionId: sessionId.unwrap(),
    worktreePath: worktreePath.unwrap().optional(),
  }),
)

const examplePr: PullRequest = {
  number: 7,
  url: 'https://example.com/pull/7',
  state: 'open',
  draft: false,
  title: 'Resume streams by id',
}

export function registerAttemptLinks(api: Api): void {
  api.mutate(
    'post',
    '/attempts/:attemptId/session',
    {
      operationId: 'recordAttemptSession',
      tag: 'Attempts',
      summary: 'Records the session that runs an attempt.',
      status: 200,
      right: boardOrAttempt,
      body: sessionLink,
      answer: attempt,
      example: {
        body: { sessionId: exampleIds.session, worktreePath: '/tmp/worktree' },
        answer: exampleRunningAttempt,
      },
      errors: ['attempt_not_found'],
      emits: ['attempt.session.recorded'],
    },
    (tx, { params, body }) => recordSession(tx, params.attemptId, body),
  )
  api.mutate(
    'post',
    '/attempts/:attemptId/pr',
    {
      operationId: 'recordPullRequest',
      tag: 'Attempts',
      summary: 'Records the pull request of an attempt, and its URL on the card.',
      status: 200,
      right: boardOrAttempt,
      body: pullRequest,
      answer: attempt,
      example: { body: examplePr, answer: { ...exampleRunningAttempt, pr: examplePr } },
      errors: ['attempt_not_found'],
      emits: ['github.pr.created', 'card.updated'],
    },
    (tx, { params, body }) => recordPullRequest(tx, params.attemptId, body),
  )
}
