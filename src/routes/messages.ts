import * as z from 'zod'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { channelName } from '../../shared/src/channels.ts'
import { named } from '../../shared/src/names.ts'
import { message, postedContent } from '../../shared/src/types/messages.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { now } from '../base/clock.ts'
import { checkAgentId } from '../domain/agents.ts'
import { listMail, readMessage, sendMessage } from '../domain/messages.ts'
import type { Api } from './api.ts'
import { exampleMessage } from './examples.ts'
import { pageLimit } from './paging.ts'
import { channelOf, type Need } from './rights.ts'
import { addresseesOf, mailOfMessage } from './things.ts'

const { from_agent, to_agent, topic, priority, ttl_seconds } = message.shape

const creation = named(
  'NewMessage',
  z.strictObject({
    from_agent,
    to_agent: to_agent.optional(),
    topic: topic.optional(),
    content: postedContent,
    priority: priority.optional(),
    ttl_seconds: ttl_seconds.optional(),
  }),
)

const reading = named('MessageReading', z.strictObject({ agent_id: externalId }))
const messageList = named('MessageList', z.strictObject({ messages: z.array(message) }))

const mail = z.object({
  unread: z
    .enum(['true', 'false', '1', '0'])
    .meta({ description: 'Only those that the agent has not read.', examples: ['true'] })
    .transform((text) => text === 'true' || text === '1')
    .default(false),
  limit: pageLimit,
})

export function registerMessages(api: Api): void {
  api.mutate(
    'post',
    '/messages',
    {
      operationId: 'sendMessage',
      tag: 'Messages',
      summary: 'Sends a message to an agent, to a topic, or to everyone.',
      status: 201,
      right: {
        by: 'body',
        to: '`agent:ID` of the addressee and `topic:ID` of the topic; with neither `global`',
        needs: toSend,
      },
      speaksFor: ({ body }) => ({ agent: body.from_agent }),
      body: creation,
      answer: message,
      example: {
        body: {
          from_agent: exampleMessage.from_agent,
          to_agent: exampleIds.agent,
          content: exampleMessage.content,
          priority: 5,
        },
        answer: exampleMessage,
      },
      errors: [],
      emits: ['message.new'],
    },
    (tx, { body }) => sendMessage(tx, body),
  )
  api.get(
    '/agents/:agentId/messages',
    {
      operationId: 'listMessages',
      tag: 'Messages',
      summary: 'Lists the messages to an agent and those to everyone, oldest first.',
      right: channelOf('agent', 'agentId'),
      query: mail,
      answer: messageList,
      example: { answer: { messages: [exampleMessage] } },
      errors: ['invalid_channel'],
    },
    async ({ sql, params, query }) => {
      checkAgentId(params.agentId)
      return { messages: await listMail(sql, params.agentId, { ...query, nowMs: now() }) }
    },
  )
  api.mutate(
    'post',
    '/messages/:messageId/read',
    {
      operationId: 'readMessage',
      tag: 'Messages',
      summary: 'Marks a message as read by an agent.',
      status: 200,
      right: {
        ...mailOfMessage,
        to: `\`agent:ID\` of the reader; to subscribe to ${mailOfMessage.to}`,
        action: 'subscribe',
        needs: ({ agent_id }: z.infer<typeof reading>) => [[channelName('agent', agent_id)]],
      },
      speaksFor: ({ body }) => ({ agent: body.agent_id }),
      body: reading,
      answer: message,
      example: { body: { agent_id: exampleIds.agent }, answer: { ...exampleMessage, read_by: [exampleIds.agent] } },
      errors: ['message_not_found'],
      emits: ['message.read'],
    },
    (tx, { params, body }) => readMessage(tx, params.messageId, body.agent_id),
  )
}

/** A message shows on the channels of its addressee and of its topic; with neither, everywhere. */
function toSend(body: z.infer<typeof creation>): readonly Need[] {
  const channels = addresseesOf(body)
  return channels.length > 0 ? channels.map((channel) => [channel]) : [['global']]
}
