import * as z from 'zod'
import { channelName } from '../../shared/src/channels.ts'
import { message, postedContent } from '../../shared/src/types/messages.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { now } from '../base/clock.ts'
import { checkAgentId } from '../domain/agents.ts'
import { listMail, readMessage, sendMessage } from '../domain/messages.ts'
import type { Api } from './api.ts'
import { pageLimit } from './paging.ts'
import { channelOf, type Need } from './rights.ts'
import { addresseesOf, mailOfMessage } from './things.ts'

const { from_agent, to_agent, topic, priority, ttl_seconds } = message.shape

const creation = z.strictObject({
  from_agent,
  to_agent: to_agent.optional(),
  topic: topic.optional(),
  content: postedContent,
  priority: priority.optional(),
  ttl_seconds: ttl_seconds.optional(),
})

const reading = z.strictObject({ agent_id: externalId })

const mail = z.object({
  unread: z
    .enum(['true', 'false', '1', '0'])
    .transform((text) => text === 'true' || text === '1')
    .default(false),
  limit: pageLimit,
})

export function registerMessages(api: Api): void {
  api.mutate(
    'post',
    '/messages',
    {
      status: 201,
      right: { by: 'body', needs: toSend },
      speaksFor: ({ body }) => ({ agent: body.from_agent }),
      body: creation,
    },
    (tx, { body }) => sendMessage(tx, body),
  )
  api.get('/agents/:id/messages', { right: channelOf('agent'), query: mail }, async ({ sql, params, query }) => {
    checkAgentId(params.id)
    return { messages: await listMail(sql, params.id, { ...query, nowMs: now() }) }
  })
  api.mutate(
    'post',
    '/messages/:id/read',
    {
      status: 200,
      right: {
        ...mailOfMessage,
        action: 'subscribe',
        needs: ({ agent_id }: z.infer<typeof reading>) => [[channelName('agent', agent_id)]],
      },
      speaksFor: ({ body }) => ({ agent: body.agent_id }),
      body: reading,
    },
    (tx, { params, body }) => readMessage(tx, params.id, body.agent_id),
  )
}

/** A message shows on the channels of its addressee and of its topic; with neither, everywhere. */
function toSend(body: z.infer<typeof creation>): readonly Need[] {
  const channels = addresseesOf(body)
  return channels.length > 0 ? channels.map((channel) => [channel]) : [['global']]
}
