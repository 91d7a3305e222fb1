/** Scenarios of mail that has both an addressee and a topic. The topic has the name of the board. */
import type { messageEvents } from '../../../shared/src/catalogue/messages.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { Message } from '../../../shared/src/types/messages.ts'
import type { TestServer } from '../server.ts'
import { listen } from '../stream.ts'
import { boardWithCard, NOWHERE, newAgentId, type Scenario, send } from './scenario.ts'

const CONTENT = { text: 'NUL \u0000 lone \ud800 🙂\r\n', list: [1, [null]], to_agent: 'not an agent' }

async function correspondents(server: TestServer) {
  const { boardId, cardId } = await boardWithCard(server)
  const agentId = newAgentId()
  const body = { from_agent: 'writer', to_agent: agentId, topic: boardId, content: CONTENT, priority: 0 }
  return { scene: { ...NOWHERE, boardId, cardId, agentId }, body, about: { to_agent: agentId, topic: boardId } }
}

const shownAs = (event: string, data: object) => ({ agent: [event, data], topic: [event, data] }) as const

export const messageScenarios = {
  'message.new': async (server) => {
    const { scene, body } = await correspondents(server)
    return {
      ...scene,
      async act() {
        const { answer, eventId } = await send<Message>(server, 'POST', '/messages', body)
        const shown = { message_id: answer.message_id, ...body, expires_at: answer.expires_at }
        return {
          eventId,
          at: answer.created_at,
          sequence: ['message.new'],
          full: shown,
          shows: shownAs('message.new', shown),
        }
      },
    }
  },

  'message.read': async (server) => {
    const { scene, body, about } = await correspondents(server)
    const { message_id } = (await send<Message>(server, 'POST', '/messages', body)).answer
    return {
      ...scene,
      async act() {
        await using listener = await listen(server.url, `/sse?channels=topic:${scene.boardId}`)
        const { eventId } = await send(server, 'POST', `/messages/${message_id}/read`, { agent_id: 'reader' })
        const at = (await listener.id(eventId)).data.data.read_at as string
        const shown = { message_id, agent_id: 'reader', read_at: at }
        return {
          eventId,
          at,
          sequence: ['message.read'],
          full: { ...about, ...shown },
          shows: shownAs('message.read', shown),
        }
      },
    }
  },

  'message.expired': async (server) => {
    const { scene, body, about } = await correspondents(server)
    return {
      ...scene,
      async act() {
        await using listener = await listen(server.url, `/sse?channels=agent:${scene.agentId}`)
        const { answer } = await send<Message>(server, 'POST', '/messages', { ...body, ttl_seconds: 1 })
        const { id } = await listener.frame('message.expired')
        const shown = { message_id: answer.message_id }
        return {
          eventId: id ?? '',
          sequence: ['message.new', 'message.expired'],
          full: { ...about, ...shown },
          shows: shownAs('message.expired', shown),
        }
      },
    }
  },
} satisfies Record<EventType & keyof typeof messageEvents, Scenario>
