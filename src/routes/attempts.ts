import * as z from 'zod'
import { exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { named } from '../../shared/src/names.ts'
import { conversationItem } from '../../shared/src/types/conversation.ts'
import { attempt, todos } from '../../shared/src/types/kanban.ts'
import { createAttempt, getAttempt, listCardAttempts, stopAttempt, updateAttempt } from '../domain/attempts.ts'
import { getConversation } from '../domain/conversation.ts'
import { getTodos } from '../domain/todos.ts'
import type { Api } from './api.ts'
import { exampleItem } from './conversation.ts'
import { exampleAttempt, exampleRunningAttempt } from './examples.ts'
import { knowledgeOf } from './rights.ts'
import { boardOfCard, boardOrAttempt, boardOrIssueOfCard } from './things.ts'
import { exampleTodos } from './todos.ts'

const { agent, profileId, status, exitCode, error, baseBranch, branchName, worktreePath } = attempt.shape

const newAttempt = named(
  'NewAttempt',
  z.strictObject({
    agent,
    profileId: profileId.optional(),
    baseBranch: baseBranch.optional(),
    branchName: branchName.optional(),
    status: z.enum(['queued', 'running']).optional(),
  }),
)

const attemptEdit = named(
  'AttemptEdit',
  z.strictObject({ status, exitCode, error, worktreePath, branchName }).partial(),
)

const attemptWithWork = named(
  'AttemptWithWork',
  z.strictObject({ attempt, todos, conversation: z.array(conversationItem) }),
)

const attemptsOfCard = named('AttemptList', z.strictObject({ attempts: z.array(attempt) }))

export function registerAttempts(api: Api): void {
  api.mutate(
    'post',
    '/cards/:cardId/attempts',
    {
      operationId: 'createAttempt',
      tag: 'Attempts',
      summary: 'Creates an attempt at a card, queued or running.',
      status: 201,
      right: boardOrIssueOfCard,
      body: newAttempt,
      answer: attempt,
      example: {
        body: {
          agent: exampleIds.agent,
          profileId: exampleIds.profile,
          baseBranch: 'main',
          branchName: 'resume-by-id',
        },
        answer: exampleAttempt,
      },
      errors: ['card_not_found', 'conflict', 'card_done', 'blocked_by_dependencies'],
      emits: ['attempt.queued', 'attempt.status.changed', 'attempt.started', 'card.moved'],
    },
    (tx, { params, body, subject }) => createAttempt(tx, params.cardId, body, knowledgeOf(subject)),
  )
  api.get(
    '/cards/:cardId/attempts',
    {
      operationId: 'listCardAttempts',
      tag: 'Attempts',
      summary: 'Lists the attempts at a card, newest first.',
      right: boardOfCard,
      answer: attemptsOfCard,
      example: { answer: { attempts: [exampleRunningAttempt] } },
      errors: ['card_not_found'],
    },
    async ({ sql, params }) => ({ attempts: await listCardAttempts(sql, params.cardId) }),
  )
  api.get(
    '/attempts/:attemptId',
    {
      operationId: 'getAttempt',
      tag: 'Attempts',
      summary: 'Reads an attempt with its todo list and its conversation.',
      right: boardOrAttempt,
      answer: attemptWithWork,
      example: { answer: { attempt: exampleRunningAttempt, todos: exampleTodos, conversation: [exampleItem] } },
      errors: ['attempt_not_found'],
    },
    async ({ sql, params }) => ({
      attempt: await getAttempt(sql, params.attemptId),
      todos: await getTodos(sql, params.attemptId),
      conversation: await getConversation(sql, params.attemptId),
    }),
  )
  api.mutate(
    'patch',
    '/attempts/:attemptId',
    {
      operationId: 'updateAttempt',
      tag: 'Attempts',
      summary: 'Changes the status and other fields of an attempt.',
      status: 200,
      right: boardOrAttempt,
      body: attemptEdit,
      answer: attempt,
      example: {
        body: { status: 'succeeded', exitCode: 0 },
        answer: { ...exampleRunningAttempt, status: 'succeeded', exitCode: 0, endedAt: exampleTime },
      },
      errors: ['attempt_not_found', 'invalid_transition', 'card_done', 'blocked_by_dependencies'],
      emits: ['attempt.status.changed', 'attempt.started', 'card.moved'],
    },
    (tx, { params, body }) => updateAttempt(tx, params.attemptId, body),
  )
  api.mutate(
    'post',
    '/attempts/:attemptId/stop',
    {
      operationId: 'stopAttempt',
      tag: 'Attempts',
      summary: 'Asks a running attempt to stop; a queued one is stopped at once.',
      status: 202,
      right: boardOrAttempt,
      answer: attempt,
      example: { answer: { ...exampleRunningAttempt, status: 'stopping' } },
      errors: ['attempt_not_found', 'invalid_transition'],
      emits: ['attempt.status.changed'],
    },
    (tx, { params }) => stopAttempt(tx, params.attemptId),
  )
}
