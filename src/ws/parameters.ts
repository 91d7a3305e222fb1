/** The query parameters of channel sockets, besides those that they share with streams (src/sse/parameters.ts). */
import * as z from 'zod'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { externalId } from '../../shared/src/types/text.ts'

/** Any other value of `global` and `more` is as good as none. An empty id is as good as none. */
export const socketParameters = {
  global: z
    .enum(['0', '1', 'false', 'true'])
    .optional()
    .meta({ description: '`0` leaves the channel `global` out.', examples: ['0'] }),
  more: z
    .enum(['0', '1'])
    .optional()
    .meta({ description: '`1` marks messages whose id is not safe to resume from.', examples: ['1'] }),
  agent_id: externalId.optional().meta({ description: 'The agent that connects.', examples: [exampleIds.agent] }),
  session_id: externalId.optional().meta({ description: 'The session that connects.', examples: [exampleIds.session] }),
}
