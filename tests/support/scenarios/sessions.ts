/** Scenarios of sessions. A session has the id of its agent, by which scenes name its channel. */

import type { sessionEvents } from '../../../shared/src/catalogue/sessions.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { Session } from '../../../shared/src/types/sessions.ts'
import { makeBoard } from '../board.ts'
import { NOWHERE, newAgentId, type Scenario, send } from './scenario.ts'

type Name = EventType & keyof typeof sessionEvents

/** A request to a session of a board and an agent. */
function told(name: Name, method: 'PATCH' | 'POST', path: string, body: object): Scenario {
  return async (server) => {
    const { id: boardId } = await makeBoard(server)
    const agentId = newAgentId()
    await send(server, 'POST', '/sessions', { id: agentId, boardId, agentId })
    return {
      ...NOWHERE,
      boardId,
      agentId,
      async act() {
        const { answer, eventId } = await send<Partial<Session>>(server, method, `/sessions/${agentId}${path}`, body)
        const shown = { sessionId: agentId, ...body }
        return {
          eventId,
          ...(answer.updatedAt !== undefined && { at: answer.updatedAt }),
          sequence: [name],
          full: { boardId, agentId, ...shown },
          shows: { session: [name, shown] },
        }
      },
    }
  }
}

export const sessionScenarios = {
  'session.created': async (server) => {
    const { id: boardId } = await makeBoard(server)
    const agentId = newAgentId()
    return {
      ...NOWHERE,
      boardId,
      agentId,
      async act() {
        const body = { id: agentId, boardId, name: 'Näme', status: 'working' }
        const { answer, eventId } = await send<Session>(server, 'POST', '/sessions', body)
        const shown = { sessionId: agentId, status: 'working' }
        return {
          eventId,
          at: answer.createdAt,
          sequence: ['session.created'],
          full: { boardId, ...shown },
          shows: { session: ['session.created', shown] },
        }
      },
    }
  },
  'session.updated': told('session.updated', 'PATCH', '', { status: 'working' }),
  'session.completed': told('session.completed', 'PATCH', '', { status: 'completed' }),
  'session.error': told('session.error', 'PATCH', '', { status: 'error', error: 'no\u0000answer\n' }),
  'session.cancelled': told('session.cancelled', 'PATCH', '', { status: 'cancelled', error: '' }),
  'session.stream_output': told('session.stream_output', 'POST', '/output', {
    content: '\u001b[31mred\u001b[0m\r\n\u0000 \ud800 🙂',
    type: 'stderr',
  }),
} satisfies Record<Name, Scenario>
