import * as z from 'zod'
import { conversationItem } from '../types/conversation.ts'
import { attemptId, cardId } from '../types/ids.ts'
import {
  type AttemptStatus,
  attempt,
  attemptStatus,
  boardId,
  logLine,
  pullRequest,
  stage,
  todos,
} from '../types/kanban.ts'
import { externalId } from '../types/text.ts'
import { timestamp } from '../types/time.ts'
import { event } from './define.ts'
import { exampleIds, exampleTime } from './examples.ts'

const onBoard = z.strictObject({ boardId })
const onCard = z.strictObject({ boardId, cardId, agentId: externalId })
const exampleOnCard = { boardId: exampleIds.board, cardId: exampleIds.card, agentId: exampleIds.agent }
const onBoardAndAttempt = (name: string) =>
  [
    { channel: 'board', event: name },
    { channel: 'attempt', event: name },
  ] as const

const status = z.strictObject({
  attemptId,
  cardId,
  agent: externalId,
  status: attemptStatus,
  previousStatus: attemptStatus.nullable(),
  endedAt: timestamp.nullable(),
  exitCode: attempt.shape.exitCode,
  error: attempt.shape.error,
})

const exampleStatus = (status: AttemptStatus, previousStatus: AttemptStatus | null) => ({
  boardId: exampleIds.board,
  attemptId: exampleIds.attempt,
  cardId: exampleIds.card,
  agent: exampleIds.agent,
  status,
  previousStatus,
  endedAt: null,
  exitCode: null,
  error: null,
})

/** Joined lines, as `agent:` channels show them; `timestamp` is in milliseconds since 1970. */
export const outputBatch = z.strictObject({ timestamp: z.int(), lines: z.array(z.string()) })

export const attemptEvents = {
  'attempt.queued': event({
    summary: 'An attempt at a card was created and waits to run.',
    about: onBoard,
    shows: status,
    example: exampleStatus('queued', null),
    to: onBoardAndAttempt('attempt_status'),
    refreshes: ['board', 'dashboard'],
  }),
  'attempt.status.changed': event({
    summary: 'The status of an attempt changed.',
    about: onBoard,
    shows: status,
    example: exampleStatus('running', 'queued'),
    to: onBoardAndAttempt('attempt_status'),
    refreshes: ['board', 'dashboard'],
  }),
  'attempt.started': event({
    summary: 'An agent started to work on a card.',
    about: z.strictObject({ boardId, stage: stage.nullable() }),
    shows: z.strictObject({ attemptId, cardId, agent: externalId }),
    example: {
      boardId: exampleIds.board,
      stage: null,
      attemptId: exampleIds.attempt,
      cardId: exampleIds.card,
      agent: exampleIds.agent,
    },
    to: [...onBoardAndAttempt('attempt_started'), agentStarted('agent'), agentStarted('issue')],
  }),
  'attempt.log.appended': event({
    summary: 'An attempt printed a line.',
    keep: 'transient',
    about: onCard,
    shows: z.strictObject({ attemptId, ...logLine.shape }),
    example: {
      ...exampleOnCard,
      attemptId: exampleIds.attempt,
      level: 'info',
      message: 'Tests  118 passed (118)',
      ts: exampleTime,
      stream: 'stdout',
    },
    to: [
      ...onBoardAndAttempt('attempt_log'),
      { channel: 'agent', event: 'output_batch', payload: outputBatch, lines: (p) => [p.message] },
    ],
  }),
  'attempt.conversation.appended': event({
    summary: 'An item was added to the conversation of an attempt, or replaced the item with the same id.',
    about: onCard,
    shows: z.strictObject({ attemptId, item: conversationItem }),
    example: {
      ...exampleOnCard,
      attemptId: exampleIds.attempt,
      item: {
        id: 'i1',
        timestamp: exampleTime,
        type: 'message',
        role: 'assistant',
        text: 'I will read the tests first.',
      },
    },
    to: onBoardAndAttempt('conversation_item'),
  }),
  'attempt.session.recorded': event({
    summary: 'The session that runs an attempt was recorded.',
    about: onCard,
    shows: z.strictObject({ attemptId, sessionId: externalId, worktreePath: z.string().optional() }),
    example: {
      ...exampleOnCard,
      attemptId: exampleIds.attempt,
      sessionId: exampleIds.session,
      worktreePath: '/tmp/worktree',
    },
    to: onBoardAndAttempt('attempt_session'),
  }),
  'attempt.todos.updated': event({
    summary: 'The todo list of an attempt was replaced.',
    about: onCard,
    shows: z.strictObject({ attemptId, todos }),
    example: {
      ...exampleOnCard,
      attemptId: exampleIds.attempt,
      todos: { total: 1, completed: 0, items: [{ id: 't1', text: 'Write the test', status: 'open' }] },
    },
    to: onBoardAndAttempt('attempt_todos'),
  }),
  'github.pr.created': event({
    summary: 'A pull request was opened for an attempt, or its record replaced.',
    about: z.strictObject({ boardId, agentId: externalId }),
    shows: z.strictObject({ attemptId, cardId, pr: pullRequest }),
    example: {
      boardId: exampleIds.board,
      agentId: exampleIds.agent,
      attemptId: exampleIds.attempt,
      cardId: exampleIds.card,
      pr: { number: 7, url: 'https://example.com/pull/7', state: 'open', draft: false, title: 'Resume streams by id' },
    },
    to: onBoardAndAttempt('attempt_pr'),
  }),
}

function agentStarted(channel: 'agent' | 'issue') {
  return {
    channel,
    ...(channel === 'agent' && { by: 'agent' as const }),
    event: 'agent_started',
    payload: z.strictObject({ agentId: externalId, issueId: cardId, stage: stage.nullable() }),
    data: (p: { agent: string; cardId: string; stage: unknown }) => ({
      agentId: p.agent,
      issueId: p.cardId,
      stage: p.stage,
    }),
  }
}
