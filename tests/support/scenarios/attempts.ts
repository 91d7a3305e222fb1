/** Scenarios of attempts and their events. */

import type { attemptEvents } from '../../../shared/src/catalogue/attempts.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { ConversationItem } from '../../../shared/src/types/conversation.ts'
import type { Attempt, Todos } from '../../../shared/src/types/kanban.ts'
import { makeAttempt } from '../board.ts'
import type { TestServer } from '../server.ts'
import { boardWithCard, NOWHERE, newAgentId, type Scenario, send } from './scenario.ts'

async function running(server: TestServer) {
  const { boardId, cardId } = await boardWithCard(server)
  const agentId = newAgentId()
  const attempt = await makeAttempt(server, cardId, { agent: agentId })
  return { boardId, cardId, agentId, attemptId: attempt.id }
}

/** The ids that only `global` shows in addition to the fields of an attempt. */
const about = (scene: { boardId: string; cardId: string; agentId: string }) => ({
  boardId: scene.boardId,
  cardId: scene.cardId,
  agentId: scene.agentId,
})

/** A payload that is the same on the board and on the attempt. */
const alike = (event: string, data: object) => ({ board: [event, data], attempt: [event, data] }) as const

export const attemptScenarios = {
  'attempt.queued': async (server) => {
    const { boardId, cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    return {
      ...NOWHERE,
      boardId,
      cardId,
      agentId,
      async act() {
        const { answer, eventId } = await send<Attempt>(server, 'POST', `/cards/${cardId}/attempts`, { agent: agentId })
        const shown = {
          attemptId: answer.id,
          cardId,
          agent: agentId,
          status: 'queued',
          previousStatus: null,
          endedAt: null,
          exitCode: null,
          error: null,
        }
        return {
          eventId,
          at: answer.createdAt,
          sequence: ['attempt.queued'],
          full: { boardId, ...shown },
          shows: alike('attempt_status', shown),
          made: { attemptId: answer.id },
        }
      },
    }
  },

  'attempt.status.changed': async (server) => {
    const scene = await running(server)
    return {
      ...scene,
      async act() {
        const body = { status: 'failed', exitCode: 137, error: 'killed\u0000\nby hand' }
        const { answer, eventId } = await send<Attempt>(server, 'PATCH', `/attempts/${scene.attemptId}`, body)
        const shown = {
          attemptId: scene.attemptId,
          cardId: scene.cardId,
          agent: scene.agentId,
          status: 'failed',
          previousStatus: 'running',
          endedAt: answer.endedAt,
          exitCode: 137,
          error: 'killed\u0000\nby hand',
        }
        return {
          eventId,
          at: answer.updatedAt,
          sequence: ['attempt.status.changed'],
          full: { boardId: scene.boardId, ...shown },
          shows: alike('attempt_status', shown),
        }
      },
    }
  },

  'attempt.started': async (server) => {
    const { boardId, cardId } = await boardWithCard(server, { stage: 'IMPLEMENT' })
    const agentId = newAgentId()
    const { id: attemptId } = await makeAttempt(server, cardId, { agent: agentId, status: 'queued' })
    return {
      ...{ boardId, cardId, agentId, attemptId },
      async act() {
        const { answer, eventId } = await send<Attempt>(server, 'PATCH', `/attempts/${attemptId}`, {
          status: 'running',
        })
        const shown = { attemptId, cardId, agent: agentId }
        const started = ['agent_started', { agentId, issueId: cardId, stage: 'IMPLEMENT' }] as const
        return {
          eventId,
          at: answer.startedAt ?? '',
          sequence: ['attempt.status.changed', 'attempt.started', 'card.moved'],
          full: { boardId, stage: 'IMPLEMENT', ...shown },
          shows: { ...alike('attempt_started', shown), agent: started, issue: started },
        }
      },
    }
  },

  'attempt.log.appended': async (server) => {
    const scene = await running(server)
    return {
      ...scene,
      async act() {
        // Everything that a terminal may print, including a lone surrogate.
        const message = '\u001b[31mred\u001b[0m\ttab "quote" \\ \u0000 \r\n \u2028 🙂 \ud83d'
        const line = { level: 'warn', message, ts: '2026-01-31T13:00:00+01:00', stream: 'stderr' }
        const { eventId } = await send(server, 'POST', `/attempts/${scene.attemptId}/logs`, line)
        const shown = { attemptId: scene.attemptId, ...line, ts: '2026-01-31T12:00:00.000Z' }
        return {
          eventId,
          sequence: ['attempt.log.appended'],
          full: { ...about(scene), ...shown },
          shows: { ...alike('attempt_log', shown), agent: ['output_batch', { lines: [message] }] },
        }
      },
    }
  },

  'attempt.conversation.appended': async (server) => {
    const scene = await running(server)
    return {
      ...scene,
      async act() {
        const { answer: item, eventId } = await send<ConversationItem>(
          server,
          'POST',
          `/attempts/${scene.attemptId}/conversation`,
          {
            type: 'tool',
            tool: { name: 'bash', status: 'succeeded', exitCode: 0, metadata: { deep: [1, { a: null }] } },
          },
        )
        const shown = { attemptId: scene.attemptId, item }
        return {
          eventId,
          at: item.timestamp,
          sequence: ['attempt.conversation.appended'],
          full: { ...about(scene), ...shown },
          shows: alike('conversation_item', shown),
        }
      },
    }
  },

  'attempt.session.recorded': async (server) => {
    const scene = await running(server)
    return {
      ...scene,
      async act() {
        const body = { sessionId: 'session:7', worktreePath: '/tmp/work tree' }
        const { answer, eventId } = await send<Attempt>(server, 'POST', `/attempts/${scene.attemptId}/session`, body)
        const shown = { attemptId: scene.attemptId, ...body }
        return {
          eventId,
          at: answer.updatedAt,
          sequence: ['attempt.session.recorded'],
          full: { ...about(scene), ...shown },
          shows: alike('attempt_session', shown),
        }
      },
    }
  },

  'attempt.todos.updated': async (server) => {
    const scene = await running(server)
    return {
      ...scene,
      async act() {
        const items = [
          { id: 'a', text: 'Read', status: 'done' },
          { text: 'Write', status: 'open' },
        ]
        const { answer: todos, eventId } = await send<Todos>(server, 'PUT', `/attempts/${scene.attemptId}/todos`, {
          items,
        })
        const [first, second] = todos.items
        const shown = {
          attemptId: scene.attemptId,
          todos: {
            total: 2,
            completed: 1,
            items: [
              { ...items[0], id: first?.id },
              { id: second?.id, ...items[1] },
            ],
          },
        }
        return {
          eventId,
          sequence: ['attempt.todos.updated'],
          full: { ...about(scene), ...shown },
          shows: alike('attempt_todos', shown),
        }
      },
    }
  },

  'github.pr.created': async (server) => {
    const scene = await running(server)
    return {
      ...scene,
      async act() {
        const pr = { number: 7, url: 'https://example.com/pull/7', state: 'open', draft: true, title: 'Resume' }
        const { answer, eventId } = await send<Attempt>(server, 'POST', `/attempts/${scene.attemptId}/pr`, pr)
        const shown = { attemptId: scene.attemptId, cardId: scene.cardId, pr }
        return {
          eventId,
          at: answer.updatedAt,
          // The card gets the address.
          sequence: ['github.pr.created', 'card.updated'],
          full: { boardId: scene.boardId, agentId: scene.agentId, ...shown },
          shows: alike('attempt_pr', shown),
        }
      },
    }
  },
} satisfies Record<EventType & keyof typeof attemptEvents, Scenario>
