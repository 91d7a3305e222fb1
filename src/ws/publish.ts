/** What a socket may publish: messages, agent heartbeats, and custom events on topics. */
import * as z from 'zod'
import { type Channel, channelName, parseChannel } from '../../shared/src/channels.ts'
import { UNSTORED } from '../../shared/src/protocol.ts'
import { postedJson } from '../../shared/src/types/json.ts'
import { message, postedContent } from '../../shared/src/types/messages.ts'
import { eventName, externalId } from '../../shared/src/types/text.ts'
import { authorize, authorizeAgent } from '../auth/rights.ts'
import type { Subject } from '../auth/subject.ts'
import { Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'
import type { Tx } from '../db/store.ts'
import { noteHeartbeat } from '../domain/agents.ts'
import { sendMessage } from '../domain/messages.ts'
import { postTopicEvent } from '../domain/topics.ts'
import { SocketRefusal } from './socket-errors.ts'

const MESSAGE = 'message.new'

/** Ignored in the data: the sender is that of the socket, the receiver is given by the channel. */
const GIVEN_BY_THE_SOCKET = new Set(['from_agent', 'to_agent', 'topic'])

const mail = z.strictObject({
  content: postedContent,
  priority: message.shape.priority.optional(),
  ttl_seconds: message.shape.ttl_seconds.optional(),
})

export interface Publication {
  readonly channel: string
  readonly event: string
  readonly data: unknown
}

/** The agent that the socket speaks for, or the client, and whose credential it has. */
export interface Publisher {
  readonly agentId: string | null
  readonly clientId: string
  readonly subject: Subject
}

/** Rejects with `invalid_channel`, `forbidden`, `validation_failed` and INVALID_EVENT. */
export async function publish(tx: Tx, publisher: Publisher, { channel, event, data }: Publication): Promise<void> {
  const target = parseChannel(channel)
  if (!target) throw new Problem('invalid_channel', `${JSON.stringify(channel.slice(0, 300))} is not a channel.`)
  const { subject } = publisher
  authorize(subject, 'publish', target.name)
  if (event === MESSAGE) {
    const addressee = addresseeOf(target)
    if (addressee) {
      const from_agent = publisher.agentId ?? publisher.clientId
      await sendMessage(tx, { from_agent, ...addressee, ...mailOf(data) })
      return
    }
  } else if (event === UNSTORED.agentHeartbeat) {
    const agentId = target.kind === 'agent' ? target.id : target.kind === 'global' ? publisher.agentId : null
    if (agentId !== null) {
      authorizeAgent(subject, agentId)
      authorize(subject, 'publish', channelName('agent', agentId))
      return noteHeartbeat(tx, agentId)
    }
  } else if (target.kind === 'topic') {
    const posted = parseInput(z.object({ data: postedJson }), { data: data ?? null }, 'message')
    return postTopicEvent(tx, target.id, { event: validEventName(event), data: posted.data }).catch(asInvalidEvent)
  }
  throw new SocketRefusal(
    'INVALID_EVENT',
    `A socket cannot publish ${JSON.stringify(event.slice(0, 150))} on ${target.name}: message.new goes to agent:, topic: and global, agent.heartbeat to agent: and, for the socket's own agent, to global, anything else to topic:.`,
  )
}

/** Throws `invalid_channel` for an invalid agent id or topic name. */
function addresseeOf({ kind, id, name }: Channel): { to_agent?: string; topic?: string } | null {
  if ((kind === 'agent' || kind === 'topic') && !externalId.safeParse(id).success) {
    throw new Problem('invalid_channel', `No mail goes to ${name}: ids have 1 to 200 letters, digits and : _ - .`)
  }
  if (kind === 'agent') return { to_agent: id }
  if (kind === 'topic') return { topic: id }
  return kind === 'global' ? {} : null
}

/** Data with `content` and no field that a message does not have is a message. Any other data is the content as a whole. */
function mailOf(data: unknown): z.infer<typeof mail> {
  if (typeof data === 'object' && data !== null && 'content' in data) {
    const given = Object.fromEntries(Object.entries(data).filter(([name]) => !GIVEN_BY_THE_SOCKET.has(name)))
    if (Object.keys(given).every((name) => Object.hasOwn(mail.shape, name))) return parseInput(mail, given, 'message')
  }
  return { content: parseInput(z.object({ data: postedContent }), { data }, 'message').data }
}

function asInvalidEvent(thrown: unknown): never {
  const isName = thrown instanceof Problem && thrown.errors?.some(({ path }) => path === 'event')
  throw isName ? new SocketRefusal('INVALID_EVENT', thrown.message) : thrown
}

function validEventName(event: string): string {
  if (eventName.safeParse(event).success) return event
  throw new SocketRefusal('INVALID_EVENT', 'The name of an event must be 1 to 128 letters, digits and : _ - .')
}
