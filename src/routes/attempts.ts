import * as z from 'zod'
import { attempt, pullRequest, todoItem } from '../../shared/src/types/kanban.ts'
import { recordPullRequest, recordSession } from '../domain/attempt-links.ts'
import { createAttempt, getAttempt, stopAttempt, updateAttempt } from '../domain/attempts.ts'
import { getConversation } from '../domain/conversation.ts'
import { getTodos, replaceTodos } from '../domain/todos.ts'
import type { Api } from './api.ts'

const { agent, profileId, status, exitCode, error, baseBranch, branchName, worktreePath, sessionId } = attempt.shape

const creation = z.strictObject({
  agent,
  profileId: profileId.optional(),
  baseBranch: baseBranch.optional(),
  branchName: branchName.optional(),
  status: z.enum(['queued', 'running']).optional(),
})

const changes = z.strictObject({ status, exitCode, error, worktreePath, branchName }).partial()

const todoList = z.strictObject({
  items: z.array(todoItem.extend({ id: todoItem.shape.id.optional() })),
})

const session = z.strictObject({
  sessionId: sessionId.unwrap(),
  worktreePath: worktreePath.unwrap().optional(),
})

export function registerAttempts(api: Api): void {
  api.mutate('post', '/cards/:id/attempts', { status: 201, body: creation }, (tx, { params, body }) =>
    createAttempt(tx, params.id, body),
  )
  api.get('/attempts/:id', {}, async ({ sql, params }) => ({
    attempt: await getAttempt(sql, params.id),
    todos: await getTodos(sql, params.id),
    conversation: await getConversation(sql, params.id),
  }))
  api.mutate('patch', '/attempts/:id', { status: 200, body: changes }, (tx, { params, body }) =>
    updateAttempt(tx, params.id, body),
  )
  api.mutate('post', '/attempts/:id/stop', { status: 202 }, (tx, { params }) => stopAttempt(tx, params.id))
  api.mutate('put', '/attempts/:id/todos', { status: 200, body: todoList }, (tx, { params, body }) =>
    replaceTodos(tx, params.id, body.items),
  )
  api.mutate('post', '/attempts/:id/session', { status: 200, body: session }, (tx, { params, body }) =>
    recordSession(tx, params.id, body),
  )
  api.mutate('post', '/attempts/:id/pr', { status: 200, body: pullRequest }, (tx, { params, body }) =>
    recordPullRequest(tx, params.id, body),
  )
}
