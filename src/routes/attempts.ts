import * as z from 'zod'
import { attempt } from '../../shared/src/types/kanban.ts'
import { createAttempt, getAttempt, stopAttempt, updateAttempt } from '../domain/attempts.ts'
import { getConversation } from '../domain/conversation.ts'
import { getTodos } from '../domain/todos.ts'
import type { Api } from './api.ts'
import { knowledgeOf } from './rights.ts'
import { boardOrAttempt, boardOrIssueOfCard } from './things.ts'

const { agent, profileId, status, exitCode, error, baseBranch, branchName, worktreePath } = attempt.shape

const creation = z.strictObject({
  agent,
  profileId: profileId.optional(),
  baseBranch: baseBranch.optional(),
  branchName: branchName.optional(),
  status: z.enum(['queued', 'running']).optional(),
})

const changes = z.strictObject({ status, exitCode, error, worktreePath, branchName }).partial()

export function registerAttempts(api: Api): void {
  api.mutate(
    'post',
    '/cards/:id/attempts',
    { status: 201, right: boardOrIssueOfCard, body: creation },
    (tx, { params, body, subject }) => createAttempt(tx, params.id, body, knowledgeOf(subject)),
  )
  api.get('/attempts/:id', { right: boardOrAttempt }, async ({ sql, params }) => ({
    attempt: await getAttempt(sql, params.id),
    todos: await getTodos(sql, params.id),
    conversation: await getConversation(sql, params.id),
  }))
  api.mutate('patch', '/attempts/:id', { status: 200, right: boardOrAttempt, body: changes }, (tx, { params, body }) =>
    updateAttempt(tx, params.id, body),
  )
  api.mutate('post', '/attempts/:id/stop', { status: 202, right: boardOrAttempt }, (tx, { params }) =>
    stopAttempt(tx, params.id),
  )
}
