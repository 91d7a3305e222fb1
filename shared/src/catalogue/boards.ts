import * as z from 'zod'
import { named } from '../names.ts'
import { cardId, columnId } from '../types/ids.ts'
import { board, boardId, card, column, columnKey, labels, priority, stage, ticketType } from '../types/kanban.ts'
import { externalId } from '../types/text.ts'
import { timestamp } from '../types/time.ts'
import { event } from './define.ts'
import { exampleCard, exampleIds, exampleTime } from './examples.ts'

const onBoard = z.strictObject({ boardId })

/** The fields that a change of a card may carry; `blocked` if a change of its own dependencies changed it. */
export const cardChanges = named(
  'CardChanges',
  z
    .strictObject({
      title: card.shape.title,
      description: card.shape.description,
      ticketType: ticketType.nullable(),
      priority: priority.nullable(),
      labels,
      stage: stage.nullable(),
      dependsOn: card.shape.dependsOn,
      blocked: card.shape.blocked,
      assignedAgentId: externalId.nullable(),
      isEnhanced: z.boolean(),
      prUrl: card.shape.prUrl,
    })
    .partial(),
)
export type CardChanges = z.infer<typeof cardChanges>

const boardChanges = named(
  'BoardChanges',
  z.strictObject({ name: board.shape.name, description: board.shape.description }).partial(),
)
const columnChanges = named(
  'ColumnChanges',
  z.strictObject({ title: column.shape.title, key: columnKey.nullable(), index: z.int().min(0) }).partial(),
)

/** The bare payload of every event that changes a card's fields, so that the `diff` view can apply it. */
const cardUpdated = z.strictObject({
  cardId,
  changes: cardChanges,
  revision: z.int().min(1),
  updatedAt: timestamp,
})

const issueId = z.strictObject({ issueId: cardId })
const everywhere = ['board', 'dashboard'] as const

export const boardEvents = {
  'board.created': event({
    summary: 'A board was created.',
    about: z.strictObject({}),
    shows: z.strictObject({ boardId, board }),
    example: {
      boardId: exampleIds.board,
      board: {
        id: exampleIds.board,
        name: 'Demo',
        description: null,
        ticketPrefix: 'DEMO',
        columns: [{ id: exampleIds.column, key: 'backlog', title: 'Backlog', cardIds: [] }],
        createdAt: exampleTime,
        updatedAt: exampleTime,
      },
    },
    to: [],
    refreshes: ['dashboard'],
  }),
  'board.updated': event({
    summary: 'The name or description of a board changed.',
    about: z.strictObject({}),
    shows: z.strictObject({
      boardId,
      changes: boardChanges,
    }),
    example: { boardId: exampleIds.board, changes: { name: 'Demonstration' } },
    to: [{ channel: 'board', event: 'board_updated' }],
    refreshes: everywhere,
  }),
  'board.deleted': event({
    summary: 'A board and everything on it was deleted.',
    about: z.strictObject({}),
    shows: onBoard,
    example: { boardId: exampleIds.board },
    to: [
      { channel: 'board', event: 'board_deleted', ends: true },
      { channel: 'project', event: 'board_deleted', ends: true, silent: true },
    ],
    // A board may be created again under the same id: no rendered state of this one may be shown then.
    refreshes: everywhere,
  }),
  'column.created': event({
    summary: 'A column was added to a board.',
    about: onBoard,
    shows: z.strictObject({ column, index: z.int().min(0) }),
    example: {
      boardId: exampleIds.board,
      column: { id: exampleIds.nextColumn, key: 'qa', title: 'QA', cardIds: [] },
      index: 3,
    },
    to: [{ channel: 'board', event: 'column_created', view: 'diff' }],
    refreshes: everywhere,
  }),
  'column.updated': event({
    summary: 'The title, key or index of a column changed.',
    about: onBoard,
    shows: z.strictObject({
      columnId,
      changes: columnChanges,
    }),
    example: { boardId: exampleIds.board, columnId: exampleIds.nextColumn, changes: { title: 'Quality' } },
    to: [{ channel: 'board', event: 'column_updated', view: 'diff' }],
    refreshes: everywhere,
  }),
  'column.deleted': event({
    summary: 'An empty column was removed.',
    about: onBoard,
    shows: z.strictObject({ columnId }),
    example: { boardId: exampleIds.board, columnId: exampleIds.nextColumn },
    to: [{ channel: 'board', event: 'column_deleted', view: 'diff' }],
    refreshes: everywhere,
  }),
  'card.created': event({
    summary: 'A card was added to a board.',
    about: z.strictObject({ boardId, cardId }),
    shows: z.strictObject({ card, columnId, index: z.int().min(0) }),
    example: {
      boardId: exampleIds.board,
      cardId: exampleIds.card,
      card: exampleCard,
      columnId: exampleIds.column,
      index: 0,
    },
    to: [
      { channel: 'board', event: 'card_created', view: 'diff' },
      ...onIssue(
        'issue_created',
        z.strictObject({ issueId: cardId, issue: card }),
        (p: { cardId: string; card: unknown }) => ({
          issueId: p.cardId,
          issue: p.card,
        }),
      ),
    ],
    refreshes: everywhere,
  }),
  'card.updated': event({
    summary: 'Fields of a card changed.',
    about: onBoard,
    shows: cardUpdated,
    example: {
      boardId: exampleIds.board,
      cardId: exampleIds.card,
      changes: { title: 'Resume streams by their last id' },
      revision: 2,
      updatedAt: exampleTime,
    },
    to: [
      { channel: 'board', event: 'card_updated', view: 'diff' },
      ...onIssue(
        'issue_updated',
        issueId.extend({ changes: cardChanges }),
        (p: { cardId: string; changes: unknown }) => ({ issueId: p.cardId, changes: p.changes }),
      ),
    ],
    refreshes: everywhere,
  }),
  'card.moved': event({
    summary: 'A card was moved.',
    // The keys of the two columns, or their titles where a column has no key.
    about: z.strictObject({ boardId, oldStatus: z.string(), newStatus: z.string() }),
    shows: z.strictObject({
      cardId,
      fromColumnId: columnId,
      toColumnId: columnId,
      toIndex: z.int().min(0),
      revision: z.int().min(1),
      updatedAt: timestamp,
    }),
    example: {
      boardId: exampleIds.board,
      oldStatus: 'backlog',
      newStatus: 'in_progress',
      cardId: exampleIds.card,
      fromColumnId: exampleIds.column,
      toColumnId: exampleIds.nextColumn,
      toIndex: 0,
      revision: 2,
      updatedAt: exampleTime,
    },
    to: [
      { channel: 'board', event: 'card_moved', view: 'diff' },
      ...onIssue(
        'status_changed',
        issueId.extend({ oldStatus: z.string(), newStatus: z.string() }),
        (p: { cardId: string; oldStatus: string; newStatus: string }) => ({
          issueId: p.cardId,
          oldStatus: p.oldStatus,
          newStatus: p.newStatus,
        }),
        { when: { differ: ['fromColumnId', 'toColumnId'] } as const },
      ),
    ],
    refreshes: everywhere,
  }),
  'card.deleted': event({
    summary: 'A card was deleted.',
    about: onBoard,
    shows: z.strictObject({ cardId, columnId }),
    example: { boardId: exampleIds.board, cardId: exampleIds.card, columnId: exampleIds.column },
    to: [
      { channel: 'board', event: 'card_deleted', view: 'diff' },
      ...onIssue('issue_deleted', issueId, (p: { cardId: string }) => ({ issueId: p.cardId })),
    ],
    refreshes: everywhere,
  }),
  'card.stage.changed': event({
    summary: 'A card changed its stage.',
    about: z.strictObject({ boardId, oldStage: stage.nullable(), newStage: stage.nullable() }),
    shows: cardUpdated,
    example: {
      boardId: exampleIds.board,
      oldStage: 'BACKLOG',
      newStage: 'TODO',
      cardId: exampleIds.card,
      changes: { stage: 'TODO' },
      revision: 3,
      updatedAt: exampleTime,
    },
    to: [
      { channel: 'board', event: 'card_updated', view: 'diff' },
      ...onIssue(
        'stage_changed',
        issueId.extend({ oldStage: stage.nullable(), newStage: stage.nullable() }),
        (p: { cardId: string; oldStage: unknown; newStage: unknown }) => ({
          issueId: p.cardId,
          oldStage: p.oldStage,
          newStage: p.newStage,
        }),
      ),
    ],
    refreshes: everywhere,
  }),
  'card.assigned': event({
    summary: 'A card was assigned to an agent, or its assignment was removed.',
    about: z.strictObject({ boardId, agentId: externalId.nullable() }),
    shows: cardUpdated,
    example: {
      boardId: exampleIds.board,
      agentId: exampleIds.agent,
      cardId: exampleIds.card,
      changes: { assignedAgentId: exampleIds.agent },
      revision: 4,
      updatedAt: exampleTime,
    },
    to: [
      { channel: 'board', event: 'card_updated', view: 'diff' },
      ...onIssue('agent_assigned', issueId.extend({ agentId: externalId.nullable() }), assignment),
      {
        channel: 'agent',
        event: 'agent_assigned',
        payload: issueId.extend({ agentId: externalId.nullable() }),
        data: assignment,
      },
    ],
    refreshes: everywhere,
  }),
}

function assignment(p: { cardId: string; agentId: string | null }) {
  return { issueId: p.cardId, agentId: p.agentId }
}

/** Shows an event of a card, as an issue, on the channels of its project and of the issue. */
function onIssue<P extends { cardId: string }, More extends object = object>(
  event: string,
  payload: z.ZodObject,
  data: (p: P) => Record<string, unknown>,
  more?: More,
) {
  const shown = { event, payload, data, ...(more as More) }
  return [
    { channel: 'project' as const, ...shown },
    { channel: 'issue' as const, ...shown },
  ]
}
