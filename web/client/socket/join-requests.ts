/** The messages with which a socket joins and leaves channels, within the rate that the server allows. */
import { MESSAGE_BURST, MESSAGES_PER_SECOND } from '../../../shared/src/protocol.ts'
import type { Clock } from '../base/clock.ts'
import type { SocketChannel } from './socket-channels.ts'

/** The answer to a request, or to a message of the user's. */
export interface Answer {
  readonly type?: string | undefined
  readonly id?: unknown
  readonly success?: boolean | undefined
  readonly code?: string | undefined
}

/** The result of a request to join a channel. */
export interface JoinResult {
  readonly channel: SocketChannel
  readonly isJoined: boolean
  /** The cursor that the request contained. */
  readonly since: string | undefined
}

export interface JoinRequestsOptions {
  readonly clock: Clock
  channel(name: string): SocketChannel | undefined
  send(message: object): void
}

interface Request {
  readonly type: 'join' | 'leave'
  readonly name: string
}

export class JoinRequests {
  readonly #options: JoinRequestsOptions
  #queue: Request[] = []
  /** Requests without an answer, by the id of their message. */
  readonly #sent = new Map<string, { readonly request: Request; readonly since: string | undefined }>()
  #longIds = 0
  #budget: MessageBudget | undefined
  #timer: unknown

  constructor(options: JoinRequestsOptions) {
    this.#options = options
  }

  /** Every request was sent and answered. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#sent.size === 0
  }

  /** A connection is open, with a full budget. */
  connected(): void {
    this.#budget = new MessageBudget(this.#options.clock.now())
  }

  /** The connection has ended, and with it everything that was requested on it. */
  disconnected(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#budget = undefined
    this.#queue = []
    this.#sent.clear()
  }

  /** The user has sent a message, which counts towards the same limit. */
  countMessage(): void {
    this.#budget?.spend(this.#options.clock.now())
  }

  join(name: string): void {
    this.#queue.push({ type: 'join', name })
    this.#sendQueued()
  }

  /** `isJoined`: the server delivers the channel, or is about to. */
  leave(name: string, isJoined: boolean): void {
    const isJoin = (request: Request) => request.type === 'join' && request.name === name
    this.#queue = this.#queue.filter((request) => !isJoin(request))
    const isSent = [...this.#sent.values()].some(({ request }) => isJoin(request))
    if (!isJoined && !isSent) return
    this.#queue.push({ type: 'leave', name })
    this.#sendQueued()
  }

  /** Returns what the answer means for a channel to join. `again`: the request will be repeated. */
  answered({ id, success, code }: Answer): JoinResult | 'again' | undefined {
    const key = String(id)
    const sent = this.#sent.get(key)
    this.#sent.delete(key)
    if (code === 'RATE_LIMITED') {
      this.#budget?.exhaust(this.#options.clock.now())
      if (sent) this.#queue.unshift(sent.request)
      this.#sendQueued()
      return sent && 'again'
    }
    const channel = sent?.request.type === 'join' ? this.#options.channel(sent.request.name) : undefined
    return channel && { channel, isJoined: success === true, since: sent?.since }
  }

  #sendQueued(): void {
    const { clock } = this.#options
    clock.clearTimeout(this.#timer)
    while (this.#budget && this.#queue.length > 0) {
      const delayMs = this.#budget.delayMs(clock.now())
      if (delayMs > 0) {
        this.#timer = clock.setTimeout(() => this.#sendQueued(), delayMs)
        return
      }
      const request = this.#queue.shift()
      if (request) this.#send(request)
    }
  }

  #send(request: Request): void {
    const { type, name } = request
    const channel = this.#options.channel(name)
    const isJoin = type === 'join'
    if (isJoin && !channel) return
    const since = isJoin ? channel?.cursor : undefined
    const id = this.#idOf(request)
    this.#sent.set(id, { request, since })
    this.countMessage()
    if (isJoin) {
      const message = { type: 'subscribe', channel: channel?.spelled, id }
      this.#options.send(since === undefined ? message : { ...message, since })
    } else this.#options.send({ type: 'unsubscribe', channel: name, id })
  }

  /** An id may have 200 characters; names may have more. */
  #idOf({ type, name }: Request): string {
    const id = `${type === 'join' ? '+' : '-'}${name}`
    return id.length <= 200 ? id : `${id.slice(0, 180)}#${++this.#longIds}`
  }
}

/** Messages that are kept in reserve for the user, and for messages that arrive in bunches. */
const RESERVE = 5

/**
 * How many messages the socket may send, counted as the server counts them (docs/protocol.md, W51). The server does not
 * carry out a message beyond the limit, and disconnects a client that continues.
 */
class MessageBudget {
  #left = MESSAGE_BURST
  #filledAt: number

  constructor(now: number) {
    this.#filledAt = now
  }

  spend(now: number): void {
    this.#fill(now)
    this.#left = Math.max(0, this.#left - 1)
  }

  /** The server has counted more messages than the client. */
  exhaust(now: number): void {
    this.#left = 0
    this.#filledAt = now
  }

  /** How long a message that can wait must wait. */
  delayMs(now: number): number {
    this.#fill(now)
    return Math.ceil((Math.max(0, RESERVE + 1 - this.#left) / MESSAGES_PER_SECOND) * 1_000)
  }

  #fill(now: number): void {
    const elapsedMs = Math.max(0, now - this.#filledAt)
    this.#left = Math.min(MESSAGE_BURST, this.#left + (elapsedMs / 1_000) * MESSAGES_PER_SECOND)
    this.#filledAt = now
  }
}
