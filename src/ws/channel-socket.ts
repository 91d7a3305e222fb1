/** The messages of a channel socket: subscribe, unsubscribe, publish, auth, ping. */
import { channelName } from '../../shared/src/channels.ts'
import { authorizeAgent, authorizeSession, may } from '../auth/rights.ts'
import type { Subject } from '../auth/subject.ts'
import { now } from '../base/clock.ts'
import { Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'
import type { Admission } from '../connections/admission.ts'
import type { Place } from '../connections/connection-limit.ts'
import type { Drain } from '../connections/drain.ts'
import { OutcomeUnknown } from '../db/storage-fault.ts'
import { channelMessages } from './channel-messages.ts'
import { join, leave, type Member, type MembershipDependencies, mustHaveRoomFor } from './membership.ts'
import { idIn, type MessageId, messageId, mustBeShallow, objectIn } from './messages.ts'
import type { MessageHandler, Peer } from './peer.ts'
import type { Presence } from './presence.ts'
import { publish } from './publish.ts'
import { BINARY, SocketRefusal, socketErrorOf, TOO_MANY } from './socket-errors.ts'

export interface ChannelSocketDependencies extends MembershipDependencies {
  readonly admission: Admission
  readonly presence: Presence
  readonly drain: Drain
  onError(error: unknown): void
}

/** The types of messages. */
const CHANNEL_MESSAGES = Object.keys(channelMessages) as ReadonlyArray<keyof typeof channelMessages>

/** Whose socket it is. */
export interface SocketClient {
  readonly subject: Subject
  /** For limits. */
  readonly address: string
  readonly place: Place
}

/** The agent that the socket speaks for when it opens, as the client claims. */
export interface ClaimedIdentity {
  readonly agentId: string | undefined
  readonly sessionId: string | undefined
}

/** The client of a socket. Once it is an agent it remains one; it may become another. */
type Identity =
  | { readonly kind: 'client' }
  | {
      readonly kind: 'agent'
      readonly id: string
      readonly sessionId: string | null
      /** Others see that the agent is connected. */
      readonly isPresent: boolean
    }

const CLIENT: Identity = { kind: 'client' }

export class ChannelSocket implements MessageHandler {
  readonly #dependencies: ChannelSocketDependencies
  readonly #client: SocketClient
  readonly #peer: Peer
  #subject: Subject
  #identity: Identity = CLIENT

  constructor(dependencies: ChannelSocketDependencies, client: SocketClient & ClaimedIdentity, peer: Peer) {
    this.#dependencies = dependencies
    this.#client = client
    this.#peer = peer
    this.#subject = client.subject
    const { clientId } = peer
    peer.send({ type: 'connected', client_id: clientId, clientId, timestamp: now() })
    const { agentId, sessionId = null } = client
    if (agentId) {
      this.#become({ agentId, sessionId, isPresent: this.#isOnlyFor(agentId) }).catch(dependencies.onError)
    }
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
    if (this.#isPresent) this.#dependencies.presence.disconnected(this.#peer.clientId, this.#subject.actor)
  }

  async #carryOut(id: MessageId | undefined, message: Record<string, unknown>): Promise<void> {
    const type = CHANNEL_MESSAGES.find((known) => known === message.type)
    switch (type) {
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
      case undefined:
        throw unknownType(message.type)
    }
  }

  #subscribe(id: MessageId | undefined, message: object): Promise<void> {
    const { channel, since } = parseInput(channelMessages.subscribe, message, 'message')
    return join(this.#dependencies, this.#member, { channel, since }, (name) => {
      if (id === undefined) this.#peer.send({ type: 'subscribed', channel: name })
      else this.#acknowledge(id, { channel: name })
    })
  }

  #unsubscribe(id: MessageId | undefined, message: object): Promise<void> {
    const { channel } = parseInput(channelMessages.unsubscribe, message, 'message')
    return leave(this.#peer.subscription, channel, (name) => {
      if (id === undefined) this.#peer.send({ type: 'unsubscribed', channel: name })
      else this.#acknowledge(id, { channel: name })
    })
  }

  async #publish(id: MessageId | undefined, message: object): Promise<void> {
    const { channel, event, data } = parseInput(channelMessages.publish, message, 'message')
    const { store, drain, admission } = this.#dependencies
    drain.refuseMutations()
    const subject = this.#subject
    admission.spendMutation(subject, this.#client.address)
    const publisher = {
      agentId: this.#identity.kind === 'agent' ? this.#identity.id : subject.agentId,
      clientId: this.#peer.clientId,
      subject,
    }
    const eventId = await store.transact(
      async (tx) => {
        await publish(tx, publisher, { channel, event, data })
        return tx.eventId
      },
      { actor: subject.actor },
    )
    if (id !== undefined) this.#acknowledge(id, { eventId })
  }

  /** Acknowledged before the channels are joined, whose snapshots follow. Nothing is changed if any of it is refused. */
  async #authenticate(id: MessageId | undefined, message: object): Promise<void> {
    const { admission } = this.#dependencies
    const { token, agent_id, session_id } = parseInput(channelMessages.auth, message, 'message')
    if (admission.asks && (token ?? agent_id ?? session_id ?? null) === null) throw namesNothing()
    const isRenewal = typeof token === 'string' && admission.asks
    const subject = isRenewal ? await admission.verify(token) : this.#subject
    // It lapsed meanwhile.
    if (!this.#peer.isOpen) return
    this.#mustBeSpokenFor(subject, agent_id, session_id)
    const channels = [
      ...(agent_id ? [channelName('agent', agent_id)] : []),
      ...(session_id ? [channelName('session', session_id)] : []),
    ]
    admission.authorize(
      subject,
      channels.map((name) => ({ name })),
    )
    mustHaveRoomFor(this.#peer.subscription, channels, 'Leave some first.')
    // Others see that the agent is connected.
    if (agent_id) admission.spendMutation(subject, this.#client.address)
    if (isRenewal) await this.#renew(subject)
    this.#acknowledge(id)
    for (const channel of channels) {
      await join(this.#dependencies, this.#member, { channel, isSubscribed: false }, () => undefined)
    }
    if (!agent_id) return
    const isPresent = this.#isOnlyFor(agent_id) || may(subject, 'publish', channelName('agent', agent_id))
    await this.#become({ agentId: agent_id, sessionId: session_id ?? this.#sessionOf(agent_id), isPresent })
  }

  /** Throws `forbidden` if the socket would speak for another than the subject may, or for two. */
  #mustBeSpokenFor(subject: Subject, agentId: string | null | undefined, sessionId: string | null | undefined): void {
    if (subject.actor !== this.#subject.actor) {
      throw new Problem('forbidden', 'The new token is of another subject. Open another connection with it.')
    }
    const agent = agentId ?? (this.#identity.kind === 'agent' ? this.#identity.id : null)
    const session = sessionId ?? (agent === null ? null : this.#sessionOf(agent))
    if (agent !== null) authorizeAgent(subject, agent)
    if (session !== null) authorizeSession(subject, session)
  }

  /** Takes over a new credential. Channels that it does not allow are left. */
  async #renew(subject: Subject): Promise<void> {
    const { place, address } = this.#client
    const sees = subject.subscribe
    const isSame = sees.key === this.#subject.subscribe.key
    this.#subject = subject
    this.#peer.renew(subject)
    this.#dependencies.admission.move(place, subject, address)
    if (isSame) return
    await new Promise<void>((resolve) => {
      this.#peer.subscription.change({
        kind: 'renew',
        sees,
        left: (name) => this.#peer.send({ type: 'unsubscribed', channel: name }),
        done: resolve,
      })
    })
  }

  get #member(): Member {
    return { subscription: this.#peer.subscription, subject: this.#subject }
  }

  /** Nobody else may claim to be that agent, or rights are off and everybody may. */
  #isOnlyFor(agentId: string): boolean {
    return !this.#dependencies.admission.asks || this.#subject.agentId === agentId
  }

  get #isPresent(): boolean {
    return this.#identity.kind === 'agent' && this.#identity.isPresent
  }

  /** The session of the agent as far as the client has named it. */
  #sessionOf(agentId: string): string | null {
    return this.#identity.kind === 'agent' && this.#identity.id === agentId ? this.#identity.sessionId : null
  }

  async #become({ agentId, sessionId, isPresent }: BecomingAgent): Promise<void> {
    const { clientId, isOpen } = this.#peer
    // `closed` has run, so nothing would take the agent out again.
    if (!isOpen) return
    const wasPresent = this.#isPresent
    this.#identity = { kind: 'agent', id: agentId, sessionId, isPresent }
    const { presence } = this.#dependencies
    const { actor } = this.#subject
    if (isPresent) await presence.connected({ clientId, agentId, sessionId }, actor)
    else if (wasPresent) presence.disconnected(clientId, actor)
  }

  #acknowledge(id: MessageId | undefined, more: object = {}): void {
    this.#peer.send({ type: 'ack', ...(id !== undefined && { id }), success: true, ...more, timestamp: now() })
  }

  #fail(id: MessageId | undefined, thrown: unknown): void {
    if (thrown instanceof OutcomeUnknown) throw thrown
    const error = socketErrorOf(thrown, this.#dependencies.onError)
    const timestamp = now()
    if (id === undefined) this.#peer.send({ type: 'error', ...error, timestamp })
    else this.#peer.send({ type: 'ack', id, success: false, ...error, timestamp })
  }
}

interface BecomingAgent {
  readonly agentId: string
  readonly sessionId: string | null
  readonly isPresent: boolean
}

/** Its client believes that it has renewed its credential. */
function namesNothing(): Problem {
  return new Problem(
    'validation_failed',
    'token must be a token, or agent_id or session_id name whom the socket speaks for.',
  )
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
