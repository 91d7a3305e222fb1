import * as z from 'zod'
import { EVERYONE } from '../protocol.ts'
import { message } from '../types/messages.ts'
import { externalId } from '../types/text.ts'
import { timestamp } from '../types/time.ts'
import { event } from './define.ts'
import { exampleIds, exampleTime } from './examples.ts'

const { message_id, from_agent, to_agent, topic, content, priority, expires_at } = message.shape

/** The addressee and topic, for payloads that do not have them. */
const about = z.strictObject({ to_agent, topic })
const exampleAbout = { to_agent: exampleIds.agent, topic: 'reviews' }

export const messageEvents = {
  'message.new': event({
    summary: 'A message was sent to an agent, to a topic, or to everyone.',
    about: z.strictObject({}),
    shows: z.strictObject({ message_id, from_agent, to_agent, topic, content, priority, expires_at }),
    example: {
      message_id: exampleIds.message,
      from_agent: 'reviewer',
      ...exampleAbout,
      content: { ask: 'Please look at the cursor again.' },
      priority: 5,
      expires_at: exampleTime,
    },
    to: mail('message.new'),
  }),
  'message.read': event({
    summary: 'An agent read a message for the first time.',
    about,
    shows: z.strictObject({ message_id, agent_id: externalId, read_at: timestamp }),
    example: { ...exampleAbout, message_id: exampleIds.message, agent_id: exampleIds.agent, read_at: exampleTime },
    to: mail('message.read'),
  }),
  'message.expired': event({
    summary: 'A message expired before its addressee had read it.',
    about,
    shows: z.strictObject({ message_id }),
    example: { ...exampleAbout, message_id: exampleIds.message },
    to: mail('message.expired'),
  }),
}

/** A message shows on the channels of its addressee and of its topic; with neither, everywhere. */
function mail(name: string) {
  return [
    { channel: 'agent', by: 'to_agent', event: name },
    { channel: 'topic', by: 'topic', event: name },
    {
      channel: EVERYONE,
      event: name,
      when: { areNull: ['to_agent', 'topic'] },
    },
  ] as const
}
