/** What a channel socket understands: joining and leaving channels, publishing, saying who it is. */

import * as z from 'zod'
import { channelName } from '../../shared/src/channels.ts'
import { MAX_CHANNELS } from '../../shared/src/protocol.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { now } from '../base/clock.ts'
import { Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'
import { join, leave, type MembershipDependencies } from './membership.ts'
import { idIn, type MessageId, messageId, mustBeShallow, objectIn } from './messages.ts'
import type { Conversation, Peer } from './peer.ts'
import type { Presence } from './presence.ts'
import { publish } from './publish.ts'
import { BINARY, SocketRefusal, socketErrorOf, TOO_MANY } from './socket-errors.ts'

export interface ChannelSocketDependencies extends MembershipDependencies {
  readonly presence: Presence
  /** Throws while nothing may be changed. */
  refuseMutations(): void
  onError(error: unknown): void
}

const subscription = z.object({ channel: z.string(), since: z.string().nullish() })
const unsubscription = z.object({ channel: z.string() })
const publication = z.object({ channel: z.string(), event: z.string(), data: z.unknown().optional() })
const identity = z.object({ agent_id: externalId.nullish(), session_id: externalId.nullish() })

/** Whom a socket says that it speaks for when it opens. */
export interface Claimed {
  readonly agentId: string | undefined
  readonly sessionId: string | undefined
}

export function channelConversation(
  dependencies: ChannelSocketDependencies,
  claimed: Claimed,
  peer: Peer,
): Conversation {
  const { store, presence, onError } = dependencies
  const { clientId } = peer
  let agentId: string | null = null
  let sessionOfAgent: string | null = null

  async function speakFor(agent: string, sessionId: string | null): Promise<void> {
    // Whoever is gone by now has been taken out already, and nobody would do it again.
    if (!peer.isOpen) return
    agentId = agent
    sessionOfAgent = sessionId
    await presence.connected({ clientId, agentId: agent, sessionId })
  }

  function acknowledge(id: MessageId | undefined, more: object = {}): void {
    peer.send({ type: 'ack', ...(id !== undefined && { id }), success: true, ...more, timestamp: now() })
  }

  async function authenticate(id: MessageId | undefined, message: unknown): Promise<void> {
    const { agent_id, session_id } = parseInput(identity, message, 'message')
    const channels = [
      ...(agent_id ? [channelName('agent', agent_id)] : []),
      ...(session_id ? [channelName('session', session_id)] : []),
    ]
    const missing = channels.filter((name) => !peer.subscription.channels.has(name))
    if (peer.subscription.channels.size + missing.length > MAX_CHANNELS) {
      throw new SocketRefusal(
        'SUBSCRIPTION_LIMIT',
        `A connection holds at most ${MAX_CHANNELS} channels. Leave some first.`,
      )
    }
    acknowledge(id)
    for (const spelled of channels) {
      await join(dependencies, peer.subscription, { spelled, isSubscribed: false }, () => undefined)
    }
    // What is not said again stays as it was.
    if (agent_id) await speakFor(agent_id, session_id ?? (agent_id === agentId ? sessionOfAgent : null))
  }

  async function carryOut(id: MessageId | undefined, message: Record<string, unknown>): Promise<void> {
    switch (message.type) {
      case 'subscribe': {
        const { channel, since } = parseInput(subscription, message, 'message')
        return join(dependencies, peer.subscription, { spelled: channel, since }, (name) => {
          if (id === undefined) peer.send({ type: 'subscribed', channel: name })
          else acknowledge(id, { channel: name })
        })
      }
      case 'unsubscribe': {
        const { channel } = parseInput(unsubscription, message, 'message')
        return leave(peer.subscription, channel, (name) => {
          if (id === undefined) peer.send({ type: 'unsubscribed', channel: name })
          else acknowledge(id, { channel: name })
        })
      }
      case 'publish': {
        const { channel, event, data } = parseInput(publication, message, 'message')
        dependencies.refuseMutations()
        const eventId = await store.transact(async (tx) => {
          await publish(tx, { agentId, clientId }, { channel, event, data })
          return tx.eventId
        })
        if (id !== undefined) acknowledge(id, { eventId })
        return
      }
      case 'auth':
        return authenticate(id, message)
      case 'ping':
        peer.send({ type: 'pong', timestamp: message.timestamp ?? now() })
        return
      default:
        throw unknownType(message.type)
    }
  }

  function fail(id: MessageId | undefined, thrown: unknown): void {
    const error = socketErrorOf(thrown, onError)
    const timestamp = now()
    if (id === undefined) peer.send({ type: 'error', ...error, timestamp })
    else peer.send({ type: 'ack', id, success: false, ...error, timestamp })
  }

  peer.send({ type: 'connected', client_id: clientId, clientId, timestamp: now() })
  if (claimed.agentId) speakFor(claimed.agentId, claimed.sessionId ?? null).catch(onError)

  return {
    async message(text) {
      let id: MessageId | undefined
      try {
        const message = objectIn(text)
        id = messageId(message.id)
        mustBeShallow(message)
        await carryOut(id, message)
      } catch (error) {
        fail(id, error)
      }
    },
    refusal(text) {
      const id = idIn(text)
      return () => fail(id, TOO_MANY)
    },
    binary: () => peer.send({ type: 'error', ...BINARY, timestamp: now() }),
    closed() {
      if (agentId !== null) presence.disconnected(clientId)
    },
  }
}

function unknownType(type: unknown): Error {
  if (typeof type !== 'string') {
    return new Problem('validation_failed', 'type is missing: it says what the message is.', {
      errors: [{ path: 'type', message: 'is missing' }],
    })
  }
  return new SocketRefusal(
    'UNKNOWN_MESSAGE_TYPE',
    `${JSON.stringify(type.slice(0, 100))} is not a type of message. There are subscribe, unsubscribe, publish, auth and ping.`,
  )
}
