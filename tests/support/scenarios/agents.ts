/** Scenarios of agents and profiles. */

import type { agentEvents } from '../../../shared/src/catalogue/agents.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { Agent, Profile } from '../../../shared/src/types/agents.ts'
import type { TestServer } from '../server.ts'
import { SocketClient } from '../socket.ts'
import { boardWithCard, NOWHERE, newAgentId, type Scenario, type Scene, send } from './scenario.ts'

export const agentScenarios = {
  'agent.registered': async (server) => {
    const { boardId, cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    return {
      ...NOWHERE,
      boardId,
      cardId,
      agentId,
      async act() {
        const { answer, eventId } = await send<Agent>(server, 'POST', '/agents', { id: agentId, label: 'Ein Läbel' })
        const shown = { agent: agentId, label: 'Ein Läbel' }
        return {
          eventId,
          at: answer.createdAt,
          sequence: ['agent.registered'],
          full: { agentId, ...shown },
          shows: { '*': ['agent_registered', shown] },
        }
      },
    }
  },

  'agent.profile.changed': async (server) => {
    const { boardId, cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    await send(server, 'POST', '/agents', { id: agentId, label: 'Known' })
    return {
      ...NOWHERE,
      boardId,
      cardId,
      agentId,
      async act() {
        const body = { agent: agentId, name: 'Careful', config: { a: 1 }, boardId }
        const { answer, eventId } = await send<Profile>(server, 'POST', '/agent-profiles', body)
        const shown = { kind: 'created', profileId: answer.id, agent: agentId, label: 'Known' }
        return {
          eventId,
          sequence: ['agent.profile.changed'],
          full: { agentId, boardId, ...shown },
          shows: { '*': ['agent_profile', shown] },
        }
      },
    }
  },

  'agent.connected': (server) => presence(server, false),

  'agent.disconnected': (server) => presence(server, true),
} satisfies Record<EventType & keyof typeof agentEvents, Scenario>

/** A socket that connects or disconnects. */
async function presence(server: TestServer, leaves: boolean): Promise<Scene> {
  const { boardId, cardId } = await boardWithCard(server)
  const agentId = newAgentId()
  const path = `/ws?global=0&agent_id=${agentId}&session_id=ses-1`
  const early = leaves ? await SocketClient.open(server.url, path) : null
  if (early) await newest(server, agentId, 'agent.connected')
  return {
    ...NOWHERE,
    boardId,
    cardId,
    agentId,
    async act() {
      const type = leaves ? 'agent.disconnected' : 'agent.connected'
      const socket = early ?? (await SocketClient.open(server.url, path))
      if (leaves) socket.websocket.terminate()
      await socket.until(() => socket.ofType('connected').length > 0)
      const client_id = socket.ofType('connected')[0]?.client_id
      const { id, timestamp } = await newest(server, agentId, type)
      const shown = { agent_id: agentId, client_id, session_id: 'ses-1' }
      return {
        eventId: id,
        at: new Date(timestamp).toISOString(),
        sequence: [type],
        full: shown,
        shows: { agent: [type, shown] },
      }
    },
  }
}

/** The newest event of an agent, once it is of a type. */
async function newest(server: TestServer, agentId: string, type: string): Promise<{ id: string; timestamp: number }> {
  for (;;) {
    const { events } = await server.get<{ events: Array<{ event: string; id: string; timestamp: number }> }>(
      `/events?channels=agent:${agentId}`,
    )
    const last = events.at(-1)
    if (last?.event === type) return last
  }
}
