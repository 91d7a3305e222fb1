/** Scenarios of output that belongs to agents. */
import type { agentOutputEvents } from '../../../shared/src/catalogue/agent-output.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { TestServer } from '../server.ts'
import { boardWithCard, NOWHERE, newAgentId, type Scenario, send } from './scenario.ts'

/** Everything that a terminal may print, including a lone surrogate. */
const ODD = '\u001b[31mred\u001b[0m\ttab "quote" \\ \u0000 \r\n \u2028 🙂 \ud83d'

/** An unregistered agent, and output of it. */
async function printing(server: TestServer, type: EventType, printed: { content: string } | { lines: string[] }) {
  const { boardId, cardId } = await boardWithCard(server)
  const agentId = newAgentId()
  return {
    ...NOWHERE,
    boardId,
    cardId,
    agentId,
    async act() {
      const { eventId } = await send(server, 'POST', `/agents/${agentId}/output`, printed)
      const { items } = await server.get<{ items: Array<{ timestamp: number }> }>(`/agents/${agentId}/output`)
      const { timestamp } = items[0]!
      const name = 'content' in printed ? 'output' : 'output_batch'
      return {
        eventId,
        at: new Date(timestamp).toISOString(),
        sequence: [type],
        full: { agentId, timestamp, ...printed },
        shows: { agent: [name, printed] as const },
      }
    },
  }
}

export const agentOutputScenarios = {
  'agent.output': (server) => printing(server, 'agent.output', { content: ODD }),
  'agent.output.batch': (server) => printing(server, 'agent.output.batch', { lines: ['one', '', ODD] }),
} satisfies Record<EventType & keyof typeof agentOutputEvents, Scenario>
