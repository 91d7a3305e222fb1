/** Scenarios of client-defined events. The topic has the name of the board. */
import type { topicEvents } from '../../../shared/src/catalogue/topics.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import { boardWithCard, NOWHERE, type Scenario, send } from './scenario.ts'

export const topicScenarios = {
  'topic.event': async (server) => {
    const { boardId, cardId } = await boardWithCard(server)
    return {
      ...NOWHERE,
      boardId,
      cardId,
      async act() {
        const data = { a: [1, null, { b: 'NUL \u0000 \ud800 🙂\r\n' }], boardId: 'not a board' }
        const { eventId } = await send(server, 'POST', `/topics/${boardId}/events`, { event: 'Deploy:done-1.0', data })
        return {
          eventId,
          sequence: ['topic.event'],
          full: { topic: boardId, event: 'Deploy:done-1.0', data },
          shows: { topic: ['Deploy:done-1.0', data] },
        }
      },
    }
  },
} satisfies Record<EventType & keyof typeof topicEvents, Scenario>
