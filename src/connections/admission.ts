/** Who may open a stream or a socket, and how many. Every transport asks here, before it opens anything. */
import type { IncomingMessage } from 'node:http'
import type { Authenticator, CredentialFields } from '../auth/authenticator.ts'
import { authorize } from '../auth/rights.ts'
import type { Subject } from '../auth/subject.ts'
import { Problem } from '../base/errors.ts'
import { type ConnectionLimit, type Place, UNLIMITED } from './connection-limit.ts'
import { jittered } from './jitter.ts'

/** Whom limits count for. */
export interface LimitedClients {
  /** The address that a request counts for. A socket keeps it. */
  addressOf(incoming: IncomingMessage): string
  /** undefined: there is no limit. */
  clientOf(subject: Subject, address: string): string | undefined
  /** Counts a mutation. Throws `rate_limited`. */
  spendMutation(subject: Subject, address: string): void
}

export interface AdmissionOptions {
  readonly authenticator: Authenticator
  readonly clients: LimitedClients
  readonly limit: ConnectionLimit
}

/** A client that holds too many connections should come back after this, within 20 %. */
const RETRY_MS = 5_000

export class Admission {
  readonly #authenticator: Authenticator
  readonly #clients: LimitedClients
  readonly #limit: ConnectionLimit

  constructor({ authenticator, clients, limit }: AdmissionOptions) {
    this.#authenticator = authenticator
    this.#clients = clients
    this.#limit = limit
  }

  /** False: everybody may do everything. */
  get asks(): boolean {
    return this.#authenticator.isOn
  }

  /**
   * The subject of a request, whose credential may be in the query too. Rejects with `unauthenticated` and
   * `token_expired`. A ticket is used up.
   */
  authenticate(fields: CredentialFields): Promise<Subject> {
    return this.#authenticator.authenticate(fields, true)
  }

  /** The subject of a token that a client sent in a message. Rejects likewise. */
  verify(token: string): Promise<Subject> {
    return this.#authenticator.verify(token)
  }

  /** Throws `forbidden` unless the subject may subscribe to all of the channels, whether or not there are such things. */
  authorize(subject: Subject, channels: ReadonlyArray<{ readonly name: string }>): void {
    for (const { name } of channels) authorize(subject, 'subscribe', name)
  }

  addressOf(incoming: IncomingMessage): string {
    return this.#clients.addressOf(incoming)
  }

  /** Counts a message that changes something. Throws `rate_limited` if the client makes too many changes. */
  spendMutation(subject: Subject, address: string): void {
    this.#clients.spendMutation(subject, address)
  }

  /** A place for one more connection; null: the client holds as many as it may. */
  take(subject: Subject, address: string): Place | null {
    const client = this.#clients.clientOf(subject, address)
    return client === undefined ? UNLIMITED : this.#limit.take(client)
  }

  /** A connection has a new credential, perhaps of another client, which may exceed its limit by this. */
  move(place: Place, subject: Subject, address: string): void {
    place.moveTo(this.#clients.clientOf(subject, address))
  }
}

/** When a client that got no place should come back. */
export function retryWhenFull(): number {
  return jittered(RETRY_MS)
}

/** The refusal of a client that got no place. */
export function tooManyConnections(retryMs = retryWhenFull()): Problem {
  return new Problem(
    'rate_limited',
    'You hold as many streams and sockets as you may. Close one, or let several listeners share one.',
    { retryAfterS: Math.ceil(retryMs / 1_000) },
  )
}
