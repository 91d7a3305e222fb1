/** Scenarios of boards, columns and cards. */

import type { boardEvents } from '../../../shared/src/catalogue/boards.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { Board, Card, Column } from '../../../shared/src/types/kanban.ts'
import { makeBoard } from '../board.ts'
import { boardWithCard, NOWHERE, newAgentId, type Scenario, send } from './scenario.ts'

export const boardScenarios = {
  'board.created': async (server) => {
    const { boardId } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      async act() {
        const { answer: board, eventId } = await send<Board>(server, 'POST', '/boards', {
          name: 'Another',
          columns: [{ title: 'Only' }],
        })
        const full = { boardId: board.id, board }
        const made = { boardId: board.id }
        return { eventId, at: board.createdAt, sequence: ['board.created'], full, shows: {}, made }
      },
    }
  },

  'board.updated': async (server) => {
    const { boardId } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      async act() {
        const changes = { name: 'Renamed', description: 'Line one\nline two' }
        const { answer, eventId } = await send<Board>(server, 'PATCH', `/boards/${boardId}`, changes)
        const full = { boardId, changes }
        return {
          eventId,
          at: answer.updatedAt,
          sequence: ['board.updated'],
          full,
          shows: { board: ['board_updated', full] },
        }
      },
    }
  },

  'board.deleted': async (server) => {
    const { boardId, cardId } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      cardId,
      async act() {
        const { eventId } = await send(server, 'DELETE', `/boards/${boardId}`)
        const full = { boardId }
        return { eventId, sequence: ['board.deleted'], full, shows: { board: ['board_deleted', full] } }
      },
    }
  },

  'column.created': async (server) => {
    const { boardId } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      async act() {
        const body = { title: 'Quality', key: 'qa', index: 1 }
        const { answer, eventId } = await send<Column>(server, 'POST', `/boards/${boardId}/columns`, body)
        const shown = { column: { id: answer.id, key: 'qa', title: 'Quality', cardIds: [] }, index: 1 }
        return {
          eventId,
          sequence: ['column.created'],
          full: { boardId, ...shown },
          shows: { board: ['column_created', shown] },
        }
      },
    }
  },

  'column.updated': async (server) => {
    const { boardId, column } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      async act() {
        const body = { index: 0, key: null, title: 'Checking' }
        const { eventId } = await send(server, 'PATCH', `/columns/${column.review}`, body)
        const shown = { columnId: column.review, changes: { title: 'Checking', key: null, index: 0 } }
        return {
          eventId,
          sequence: ['column.updated'],
          full: { boardId, ...shown },
          shows: { board: ['column_updated', shown] },
        }
      },
    }
  },

  'column.deleted': async (server) => {
    const { boardId, column } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      async act() {
        const { eventId } = await send(server, 'DELETE', `/columns/${column.review}`)
        const shown = { columnId: column.review }
        return {
          eventId,
          sequence: ['column.deleted'],
          full: { boardId, ...shown },
          shows: { board: ['column_deleted', shown] },
        }
      },
    }
  },

  'card.created': async (server) => {
    const { id: boardId, columns } = await makeBoard(server)
    return {
      ...NOWHERE,
      boardId,
      async act() {
        const { answer: card, eventId } = await send<Card>(server, 'POST', `/boards/${boardId}/cards`, {
          title: 'Grüße 🙂 "quoted"',
          columnKey: 'review',
          labels: ['b', 'a'],
          priority: 'high',
        })
        const shown = { card, columnId: columns[2]?.id, index: 0 }
        const issue = ['issue_created', { issueId: card.id, issue: card }] as const
        return {
          eventId,
          at: card.createdAt,
          sequence: ['card.created'],
          full: { boardId, cardId: card.id, ...shown },
          shows: { board: ['card_created', shown], project: issue, issue },
          made: { cardId: card.id },
        }
      },
    }
  },

  'card.updated': async (server) => {
    const { boardId, cardId, card } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      cardId,
      async act() {
        // A change of stage with it is a separate event with the same revision.
        const changes = { title: 'Another title', description: null, labels: ['x'], isEnhanced: true }
        const body = { ...changes, stage: 'TODO', ifRevision: card.revision }
        const { answer, eventId } = await send<Card>(server, 'PATCH', `/cards/${cardId}`, body)
        const { updatedAt } = answer
        const changed = { title: 'Another title', labels: ['x'], isEnhanced: true }
        const shown = { cardId, changes: changed, revision: 2, updatedAt }
        const issue = ['issue_updated', { issueId: cardId, changes: changed }] as const
        return {
          eventId,
          at: updatedAt,
          sequence: ['card.updated', 'card.stage.changed'],
          full: { boardId, ...shown },
          shows: { board: ['card_updated', shown], project: issue, issue },
        }
      },
    }
  },

  'card.moved': async (server) => {
    const { boardId, cardId, column } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      cardId,
      async act() {
        const { answer, eventId } = await send<Card>(server, 'POST', `/cards/${cardId}/move`, { columnKey: 'done' })
        const shown = {
          cardId,
          fromColumnId: column.backlog,
          toColumnId: column.done,
          toIndex: 0,
          revision: 2,
          updatedAt: answer.updatedAt,
        }
        const statuses = { oldStatus: 'backlog', newStatus: 'done' }
        const issue = ['status_changed', { issueId: cardId, ...statuses }] as const
        return {
          eventId,
          at: answer.updatedAt,
          sequence: ['card.moved'],
          full: { boardId, ...statuses, ...shown },
          shows: { board: ['card_moved', shown], project: issue, issue },
        }
      },
    }
  },

  'card.deleted': async (server) => {
    const { boardId, cardId, column } = await boardWithCard(server)
    await send(server, 'POST', `/boards/${boardId}/cards`, { title: 'Waits for it', dependsOn: [cardId] })
    return {
      ...NOWHERE,
      boardId,
      cardId,
      async act() {
        const { eventId } = await send(server, 'DELETE', `/cards/${cardId}?ifRevision=1`)
        const shown = { cardId, columnId: column.backlog }
        const issue = ['issue_deleted', { issueId: cardId }] as const
        return {
          eventId,
          // The card that was blocked by it is no longer blocked.
          sequence: ['card.updated', 'card.deleted'],
          full: { boardId, ...shown },
          shows: { board: ['card_deleted', shown], project: issue, issue },
        }
      },
    }
  },

  'card.stage.changed': async (server) => {
    const { boardId, cardId } = await boardWithCard(server, { stage: 'SPEC_REVIEW' })
    return {
      ...NOWHERE,
      boardId,
      cardId,
      async act() {
        const changes = { stage: 'IMPLEMENT' }
        const { answer, eventId } = await send<Card>(server, 'PATCH', `/cards/${cardId}`, changes)
        const { updatedAt } = answer
        const stages = { oldStage: 'SPEC_REVIEW', newStage: 'IMPLEMENT' }
        const shown = { cardId, changes, revision: 2, updatedAt }
        const issue = ['stage_changed', { issueId: cardId, ...stages }] as const
        return {
          eventId,
          at: updatedAt,
          sequence: ['card.stage.changed'],
          full: { boardId, ...stages, ...shown },
          shows: { board: ['card_updated', shown], project: issue, issue },
        }
      },
    }
  },

  'card.assigned': async (server) => {
    const { boardId, cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    return {
      ...NOWHERE,
      boardId,
      cardId,
      agentId,
      async act() {
        const changes = { assignedAgentId: agentId }
        const { answer, eventId } = await send<Card>(server, 'PATCH', `/cards/${cardId}`, changes)
        const { updatedAt } = answer
        const shown = { cardId, changes, revision: 2, updatedAt }
        const assigned = ['agent_assigned', { issueId: cardId, agentId }] as const
        return {
          eventId,
          at: updatedAt,
          sequence: ['card.assigned'],
          full: { boardId, agentId, ...shown },
          shows: { board: ['card_updated', shown], project: assigned, issue: assigned, agent: assigned },
        }
      },
    }
  },
} satisfies Record<EventType & keyof typeof boardEvents, Scenario>
