/** Scenarios of shells. */

import type { shellEvents } from '../../../shared/src/catalogue/shells.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import { makeAttempt } from '../board.ts'
import type { TestServer } from '../server.ts'
import { boardWithCard, newAgentId, type Scenario, send } from './scenario.ts'

type Name = EventType & keyof typeof shellEvents

/** An attempt, and a shell of it when one is `opened`. */
async function attempting(server: TestServer, opened: boolean) {
  const { boardId, cardId } = await boardWithCard(server)
  const agentId = newAgentId()
  const { id: attemptId } = await makeAttempt(server, cardId, { agent: agentId })
  const shellId = `shell:of.${agentId}`
  if (opened) await send(server, 'POST', '/shells', { id: shellId, attemptId })
  return { boardId, cardId, attemptId, agentId, shellId }
}

function told(name: Name, path: string, body: object): Scenario {
  return async (server) => {
    const { shellId, ...about } = await attempting(server, true)
    return {
      ...about,
      shellId,
      async act() {
        const { eventId } = await send(server, 'POST', `/shells/${shellId}/${path}`, body)
        const shown = { shellId, ...body }
        return { eventId, sequence: [name], full: { ...about, ...shown }, shows: { shell: [name, shown] } }
      },
    }
  }
}

export const shellScenarios = {
  'shell.created': async (server) => {
    const { shellId, ...about } = await attempting(server, false)
    return {
      ...about,
      shellId,
      async act() {
        const body = { id: shellId, boardId: about.boardId, attemptId: about.attemptId, command: 'npm test\u0000' }
        const { eventId } = await send(server, 'POST', '/shells', body)
        const shown = { shellId, command: 'npm test\u0000' }
        return {
          eventId,
          sequence: ['shell.created'],
          full: { ...about, ...shown },
          shows: { shell: ['shell.created', shown] },
        }
      },
    }
  },
  'shell.output': told('shell.output', 'output', { data: '\u001b[2J\u001b[1;1H\u0000\r\n\udc00🙂' }),
  'shell.exit': told('shell.exit', 'exit', { code: 137 }),
  'shell.error': told('shell.error', 'error', { error: 'lost\r\n\ud800' }),
} satisfies Record<Name, Scenario>
