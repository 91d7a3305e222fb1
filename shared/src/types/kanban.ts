/** Boards, columns, cards and attempts as they are stored and sent. Types are inferred from the schemas. */
import * as z from 'zod'
import { named } from '../names.ts'
import { MAX_TITLE_LENGTH } from '../protocol.ts'
import { attemptId, cardId, columnId, profileId } from './ids.ts'
import { externalId, line, text, webUrl } from './text.ts'
import { timestamp } from './time.ts'

export { DONE_COLUMN_KEY, IN_PROGRESS_COLUMN_KEY, REVIEW_COLUMN_KEY } from '../column-keys.ts'

export const boardId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be 1 to 64 of a-z 0-9 _ -, beginning with a letter or digit')

export const columnKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be 1 to 64 of a-z 0-9 _ -, beginning with a letter or digit')

export const ticketPrefix = z.string().regex(/^[A-Z0-9]{1,6}$/, 'must be 1 to 6 of A-Z 0-9')

export const ticketType = named(
  'TicketType',
  z.enum(['feat', 'fix', 'chore', 'docs', 'style', 'refactor', 'perf', 'test', 'build', 'ci', 'revert']),
)
export const priority = named('Priority', z.enum(['low', 'medium', 'high', 'critical']))

export const stage = named(
  'Stage',
  z.enum([
    'BACKLOG',
    'TODO',
    'CONTEXT_PACK',
    'CONTEXT_REVIEW',
    'SPEC',
    'SPEC_REVIEW',
    'IMPLEMENT',
    'PR_REVIEW',
    'PR_HUMAN_REVIEW',
    'FIXER',
    'TESTING',
    'DOC_REVIEW',
    'MERGE_READY',
    'DONE',
  ]),
)
export type Stage = z.infer<typeof stage>

export const attemptStatus = z.enum(['queued', 'running', 'stopping', 'stopped', 'succeeded', 'failed'])
export type AttemptStatus = z.infer<typeof attemptStatus>

export const column = named(
  'Column',
  z.strictObject({
    id: columnId,
    key: columnKey.nullable(),
    title: text(1, 200),
    /** In display order. */
    cardIds: z.array(cardId),
  }),
)
export type Column = z.infer<typeof column>

export const board = named(
  'Board',
  z.strictObject({
    id: boardId,
    name: text(1, 200),
    description: text(0, 65_536).nullable(),
    ticketPrefix,
    columns: z.array(column),
    createdAt: timestamp,
    updatedAt: timestamp,
  }),
)
export type Board = z.infer<typeof board>

export const labels = z.array(text(1, 100)).max(50)

/** The newest attempt of a card, by creation. */
export const cardAttempt = named(
  'CardAttempt',
  z.strictObject({ id: attemptId, status: attemptStatus, agent: externalId }),
)

export const card = named(
  'Card',
  z.strictObject({
    id: cardId,
    boardId,
    columnId,
    /** `PREFIX-n`, unique on its board and never reused. */
    ticketKey: z.string().meta({ pattern: '^[A-Z0-9]{1,6}-[1-9][0-9]*$' }),
    title: text(1, MAX_TITLE_LENGTH),
    description: text(0, 65_536).nullable(),
    ticketType: ticketType.nullable(),
    priority: priority.nullable(),
    labels,
    stage: stage.nullable(),
    dependsOn: z.array(cardId),
    /** Computed: a dependency is not in a `done` column. */
    blocked: z.boolean(),
    assignedAgentId: externalId.nullable(),
    isEnhanced: z.boolean(),
    prUrl: z.string().nullable(),
    attempt: cardAttempt.nullable(),
    /** Grows by one when the card's own fields change; attempts do not change it. */
    revision: z.int().min(1),
    createdAt: timestamp,
    updatedAt: timestamp,
  }),
)
export type Card = z.infer<typeof card>

/** A whole board at one instant: the payload of `state`. */
export const boardState = named(
  'BoardState',
  z.strictObject({
    boardId,
    columns: z.record(z.string(), column),
    columnOrder: z.array(columnId),
    cards: z.record(z.string(), card),
  }),
)
export type BoardState = z.infer<typeof boardState>

export const pullRequest = named(
  'PullRequest',
  z.strictObject({
    number: z.int().positive(),
    url: webUrl,
    state: z.enum(['open', 'closed']),
    draft: z.boolean(),
    title: text(0, MAX_TITLE_LENGTH).optional(),
    headRef: text(0, 500).optional(),
    baseRef: text(0, 500).optional(),
    merged: z.boolean().optional(),
  }),
)
export type PullRequest = z.infer<typeof pullRequest>

export const attempt = named(
  'Attempt',
  z.strictObject({
    id: attemptId,
    boardId,
    cardId,
    /** The agent's id. */
    agent: externalId,
    profileId: profileId.nullable(),
    status: attemptStatus,
    baseBranch: text(0, 500).nullable(),
    branchName: text(0, 500).nullable(),
    worktreePath: text(0, 4_096).nullable(),
    sessionId: externalId.nullable(),
    pr: pullRequest.nullable(),
    exitCode: z.int().nullable(),
    error: text(0, 65_536).nullable(),
    startedAt: timestamp.nullable(),
    endedAt: timestamp.nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  }),
)
export type Attempt = z.infer<typeof attempt>

export const logLevel = named('LogLevel', z.enum(['info', 'warn', 'error']))
export const outputStream = named('OutputStream', z.enum(['stdout', 'stderr']))

export const logLine = named(
  'LogLine',
  z.strictObject({
    level: logLevel,
    message: line,
    ts: timestamp,
    stream: outputStream.optional(),
  }),
)
export type LogLine = z.infer<typeof logLine>

export const todoItem = named(
  'TodoItem',
  z.strictObject({ id: text(1, 200), text: text(0, 4_096), status: z.enum(['open', 'done']) }),
)
export const todos = named(
  'Todos',
  z.strictObject({ total: z.int().min(0), completed: z.int().min(0), items: z.array(todoItem) }),
)
export type Todos = z.infer<typeof todos>
