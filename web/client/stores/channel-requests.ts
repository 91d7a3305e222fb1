/** What a channel socket asks for by messages: joining and leaving channels, no faster than a socket may send. */
import type { Clock } from '../core/clock.ts'
import type { Place } from './channel-places.ts'
import { MessageBudget } from './message-budget.ts'

/** An answer to a request, or to a message of the user's. */
export interface Answer {
  readonly type?: string | undefined
  readonly id?: unknown
  readonly success?: boolean | undefined
  readonly code?: string | undefined
}

/** What became of a request to join a channel. */
export interface JoinAnswer {
  readonly place: Place
  readonly isJoined: boolean
  /** The cursor that it was asked with. */
  readonly since: string | undefined
}

export interface ChannelRequestsOptions {
  readonly clock: Clock
  place(name: string): Place | undefined
  send(message: object): void
}

const JOIN = '+'
const LEAVE = '-'

export class ChannelRequests {
  readonly #options: ChannelRequestsOptions
  #queue: string[] = []
  /** Not answered yet, by the id of the message. */
  readonly #asked = new Map<string, { readonly request: string; readonly since: string | undefined }>()
  #long = 0
  #budget: MessageBudget | undefined
  #timer: unknown

  constructor(options: ChannelRequestsOptions) {
    this.#options = options
  }

  /** Nothing waits, and everything was answered. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#asked.size === 0
  }

  /** A connection is open, and its budget is whole. */
  begin(): void {
    this.#budget = new MessageBudget(this.#options.clock.now())
  }

  /** The connection is gone, and so is everything that was asked on it. */
  end(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#budget = undefined
    this.#queue = []
    this.#asked.clear()
  }

  /** The user has sent a message of their own. */
  spend(): void {
    this.#budget?.spend(this.#options.clock.now())
  }

  join(name: string): void {
    this.#queue.push(JOIN + name)
    this.#pump()
  }

  /** `isHeld`: the server holds the channel, or is about to. */
  leave(name: string, isHeld: boolean): void {
    const join = JOIN + name
    this.#queue = this.#queue.filter((request) => request !== join)
    const isAsked = [...this.#asked.values()].some(({ request }) => request === join)
    if (!isHeld && !isAsked) return
    this.#queue.push(LEAVE + name)
    this.#pump()
  }

  /** What it says of a channel that was to be joined; `again`: it will be asked for again. */
  answered({ id, success, code }: Answer): JoinAnswer | 'again' | undefined {
    const key = String(id)
    const asked = this.#asked.get(key)
    this.#asked.delete(key)
    if (code === 'RATE_LIMITED') {
      this.#budget?.exhaust(this.#options.clock.now())
      if (asked) this.#queue.unshift(asked.request)
      this.#pump()
      return asked && 'again'
    }
    const place = asked?.request.startsWith(JOIN) ? this.#options.place(asked.request.slice(1)) : undefined
    return place && { place, isJoined: success === true, since: asked?.since }
  }

  #pump(): void {
    const { clock } = this.#options
    clock.clearTimeout(this.#timer)
    while (this.#budget && this.#queue.length > 0) {
      const delayMs = this.#budget.delayMs(clock.now())
      if (delayMs > 0) {
        this.#timer = clock.setTimeout(() => this.#pump(), delayMs)
        return
      }
      const request = this.#queue.shift()
      if (request !== undefined) this.#ask(request)
    }
  }

  #ask(request: string): void {
    const name = request.slice(1)
    const place = this.#options.place(name)
    if (request.startsWith(JOIN) && !place) return
    // An id has 200 characters at most; names may have more.
    const id = request.length <= 200 ? request : `${request.slice(0, 180)}#${++this.#long}`
    const since = request.startsWith(JOIN) ? place?.position : undefined
    this.#asked.set(id, { request, since })
    if (request.startsWith(LEAVE)) this.#send({ type: 'unsubscribe', channel: name, id })
    else this.#send({ type: 'subscribe', channel: place?.spelled, id, ...(since !== undefined && { since }) })
  }

  #send(message: object): void {
    this.spend()
    this.#options.send(message)
  }
}
