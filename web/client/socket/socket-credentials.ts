/** The credentials of a channel socket: what is in its address, and their renewal while it is open. */
import type { Clock } from '../base/clock.ts'
import type { Auth, Credentials } from '../base/options.ts'
import type { Frame } from '../base/types.ts'
import { areSame, askAgain, askFor, inAddress, NoTicket } from '../connection/credentials.ts'
import { Renewal } from '../connection/renewal.ts'
import { queryOf, type StreamEnd } from '../connection/transport.ts'

const RENEWAL_ID = 'renewal'

export interface SocketCredentialsOptions {
  readonly baseUrl: string
  readonly auth: Auth
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  /** Sends a message on the open socket. */
  send(message: object): void
}

export class SocketCredentials {
  readonly #options: SocketCredentialsOptions
  readonly #renewal: Renewal
  #controller = new AbortController()
  /** Those that the socket was opened with, or has been given since. */
  #used: Credentials
  /** Those that it was given, and has not accepted yet. */
  #given: Credentials
  /** What `auth` returned after a refusal. */
  #others: { readonly credentials: Credentials } | undefined
  #wasRefused = false

  constructor(options: SocketCredentialsOptions) {
    this.#options = options
    const { auth, clock, send } = options
    this.#renewal = new Renewal({
      auth,
      clock,
      renew: (credentials) => {
        this.#given = credentials
        if (typeof credentials === 'string') send({ type: 'auth', token: credentials, id: RENEWAL_ID })
      },
    })
  }

  /** Calls back with the query of an address, or with why there is none, unless `disconnected` comes first. */
  forAddress(then: (query: Record<string, string>) => void, failed: (end: StreamEnd) => void): void {
    const { signal } = this.#controller
    this.#ask(signal).then(
      (query) => signal.aborted || then(query),
      (error: unknown) =>
        signal.aborted || failed(error instanceof NoTicket ? error.end : { detail: `no credentials: ${error}` }),
    )
  }

  /** The socket is open. */
  connected(): void {
    this.#wasRefused = false
  }

  disconnected(): void {
    this.#renewal.cancel()
    this.#controller.abort()
    this.#controller = new AbortController()
  }

  /** The frame is `auth_expiring`. */
  expiring(frame: Frame): void {
    this.#renewal.expiring(frame, this.#used)
  }

  /** Whether this is the answer to a renewal. A refused one changes nothing: the socket ends when its credentials expire. */
  answered({ id, success }: { readonly id?: unknown; readonly success?: boolean | undefined }): boolean {
    if (id !== RENEWAL_ID) return false
    if (success) this.#used = this.#given
    return true
  }

  /** The socket was refused for its credentials. Calls back if it is worth trying again, with others. */
  refused(again: () => void): void {
    if (this.#wasRefused) {
      this.#wasRefused = false
      return
    }
    const { auth, clock } = this.#options
    const { signal } = this.#controller
    void askAgain(auth, this.#used, clock).then((credentials) => {
      if (signal.aborted || areSame(credentials, this.#used)) return
      this.#wasRefused = true
      this.#others = { credentials }
      again()
    })
  }

  async #ask(signal: AbortSignal): Promise<Record<string, string>> {
    const { auth } = this.#options
    this.#used = this.#others ? this.#others.credentials : await askFor(auth)
    this.#others = undefined
    return queryOf(await inAddress(this.#options, this.#used, signal))
  }
}
