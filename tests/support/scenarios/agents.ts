/** Scenarios of agents and profiles. */

import type { agentEvents } from '../../../shared/src/catalogue/agents.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { Agent, Profile } from '../../../shared/src/types/agents.ts'
import { boardWithCard, NOWHERE, newAgentId, type Scenario, send } from './scenario.ts'

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
} satisfies Record<EventType & keyof typeof agentEvents, Scenario>
