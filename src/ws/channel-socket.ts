/** The messages of a channel socket: subscribe, unsubscribe, publish, auth, ping. */
import * as z from 'zod'
import { channelName } from '../../shared/src/channels.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { now } from '../base/clock.ts'
import { Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'
import type { Drain } from '../connections/drain.ts'
import { join, leave, type MembershipDependencies, mustHaveRoomFor } from './membership.ts'
import { idIn, type MessageId, messageId, mustBeShallow, objectIn } from './messages.ts'
import type { MessageHandler, Peer } from './peer.ts'
import type { Presence } from './presence.ts'
import { publish } from './publish.ts'
import { BINARY, SocketRefusal, socketErrorOf, TOO_MANY } from './socket-errors.ts'

export interface ChannelSocketDependencies extends MembershipDependencies {
  readonly presence: Presence
  readonly drain: Drain
  onError(error: unknown): void
}

const subscription = z.object({ channel: z.string(), since: z.string().nullish() })
const unsubscription = z.object({ channel: z.string() })
const publication = z.object({ channel: z.string(), event: z.string(), data: z.unknown().optional() })
const identity = z.object({ agent_id: externalId.nullish(), session_id: externalId.nullish() })

/** The agent that the socket speaks for when it opens, as the client claims. */
export interface ClaimedIdentity {
  readonly agentId: string | undefined
  readonly sessionId: string | undefined
}

/** The client of a socket. Once it is an agent it remains one; it may become another. */
type Identity =
  | { readonly kind: 'client' }
  | { readonly kind: 'agent'; readonly id: string; readonly sessionId: string | null }

const CLIENT: Identity = { kind: 'client' }

export class ChannelSocket implements MessageHandler {
  readonly #dependencies: ChannelSocketDependencies
  readonly #peer: Peer
  #identity: Identity = CLIENT

  constructor(dependencies: ChannelSocketDependencies, claimed: ClaimedIdentity, peer: Peer) {
    this.#dependencies = dependencies
    this.#peer = peer
    const { clientId } = peer
    peer.send({ type: 'connected', client_id: clientId, clientId, timestamp: now() })
    if (claimed.agentId) this.#become(claimed.agentId, claimed.sessionId ?? null).catch(dependencies.onError)
  }

  async message(text: string): Promise<void> {
    let id: MessageId | undefined
    try {
      const message = objectIn(text)
      id = messageId(message.id)
      mustBeShallow(message)
      await this.#carryOut(id, message)
    } catch (error) {
      this.#fail(id, error)
    }
  }

  refusal(text: string): () => void {
    const id = idIn(text)
    return () => this.#fail(id, TOO_MANY)
  }

  binary(): void {
    this.#peer.send({ type: 'error', ...BINARY, timestamp: now() })
  }

  closed(): void {
    if (this.#identity.kind === 'agent') this.#dependencies.presence.disconnected(this.#peer.clientId)
  }

  async #carryOut(id: MessageId | undefined, message: Record<string, unknown>): Promise<void> {
    switch (message.type) {
      case 'subscribe':
        return this.#subscribe(id, message)
      case 'unsubscribe':
        return this.#unsubscribe(id, message)
      case 'publish':
        return this.#publish(id, message)
      case 'auth':
        return this.#authenticate(id, message)
      case 'ping':
        this.#peer.send({ type: 'pong', timestamp: message.timestamp ?? now() })
        return
      default:
        throw unknownType(message.type)
    }
  }

  #subscribe(id: MessageId | undefined, message: object): Promise<void> {
    const { channel, since } = parseInput(subscription, message, 'message')
    return join(this.#dependencies, this.#peer.subscription, { channel, since }, (name) => {
      if (id === undefined) this.#peer.send({ type: 'subscribed', channel: name })
      else this.#acknowledge(id, { channel: name })
    })
  }

  #unsubscribe(id: MessageId | undefined, message: object): Promise<void> {
    const { channel } = parseInput(unsubscription, message, 'message')
    return leave(this.#peer.subscription, channel, (name) => {
      if (id === undefined) this.#peer.send({ type: 'unsubscribed', channel: name })
      else this.#acknowledge(id, { channel: name })
    })
  }

  async #publish(id: MessageId | undefined, message: object): Promise<void> {
    const { channel, event, data } = parseInput(publication, message, 'message')
    const { store, drain } = this.#dependencies
    drain.refuseMutations()
    const publisher = {
      agentId: this.#identity.kind === 'agent' ? this.#identity.id : null,
      clientId: this.#peer.clientId,
    }
    const eventId = await store.transact(async (tx) => {
      await publish(tx, publisher, { channel, event, data })
      return tx.eventId
    })
    if (id !== undefined) this.#acknowledge(id, { eventId })
  }

  /** Acknowledged before the channels are joined, whose snapshots follow. */
  async #authenticate(id: MessageId | undefined, message: object): Promise<void> {
    const { agent_id, session_id } = parseInput(identity, message, 'message')
    const channels = [
      ...(agent_id ? [channelName('agent', agent_id)] : []),
      ...(session_id ? [channelName('session', session_id)] : []),
    ]
    const { subscription } = this.#peer
    mustHaveRoomFor(subscription, channels, 'Leave some first.')
    this.#acknowledge(id)
    for (const channel of channels) {
      await join(this.#dependencies, subscription, { channel, isSubscribed: false }, () => undefined)
    }
    if (agent_id) await this.#become(agent_id, session_id ?? this.#sessionOf(agent_id))
  }

  /** The session of the agent as far as the client has named it. */
  #sessionOf(agentId: string): string | null {
    return this.#identity.kind === 'agent' && this.#identity.id === agentId ? this.#identity.sessionId : null
  }

  async #become(agentId: string, sessionId: string | null): Promise<void> {
    // `closed` has run, so nothing would take the agent out again.
    if (!this.#peer.isOpen) return
    this.#identity = { kind: 'agent', id: agentId, sessionId }
    await this.#dependencies.presence.connected({ clientId: this.#peer.clientId, agentId, sessionId })
  }

  #acknowledge(id: MessageId | undefined, more: object = {}): void {
    this.#peer.send({ type: 'ack', ...(id !== undefined && { id }), success: true, ...more, timestamp: now() })
  }

  #fail(id: MessageId | undefined, thrown: unknown): void {
    const error = socketErrorOf(thrown, this.#dependencies.onError)
    const timestamp = now()
    if (id === undefined) this.#peer.send({ type: 'error', ...error, timestamp })
    else this.#peer.send({ type: 'ack', id, success: false, ...error, timestamp })
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
