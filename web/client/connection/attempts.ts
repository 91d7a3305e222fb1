/**
 * The attempt of a connection and, while its credentials are being renewed, the one that will replace it. The new stream is
 * opened next to the old one, from the cursor, and takes over with its `hello`: until then the old one delivers.
 */
import { CONTROL } from '../../../shared/src/protocol.ts'
import type { Clock } from '../base/clock.ts'
import type { Auth, Credentials } from '../base/options.ts'
import type { Frame } from '../base/types.ts'
import { ConnectionAttempt } from './connection-attempt.ts'
import type { Receiver } from './receiver.ts'
import { Renewal } from './renewal.ts'
import { MAX_WAIT_MS, type RawFrame, type StreamEnd, type StreamRequest, type Transport } from './transport.ts'

export interface AttemptsOptions {
  readonly transport: Transport
  readonly auth: Auth | undefined
  /** For tickets. */
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  readonly receiver: Receiver
  /** The next request, without its channels. */
  request(): Omit<StreamRequest, 'channels' | 'credentials'>
  timeoutMs(): number
  /** The current attempt has ended. `isReplaced`: another one is on its way. */
  ended(attempt: ConnectionAttempt, end: StreamEnd, isReplaced: boolean): void
  /** No frame came for too long, or `auth` returned nothing. */
  timedOut(hasCredentials: boolean): void
}

export class Attempts {
  readonly #options: AttemptsOptions
  readonly #renewal: Renewal
  #current: ConnectionAttempt | undefined
  #next: ConnectionAttempt | undefined

  constructor(options: AttemptsOptions) {
    this.#options = options
    const { auth, clock } = options
    this.#renewal = new Renewal({ auth, clock, renew: (credentials) => this.#renew(credentials) })
  }

  get current(): ConnectionAttempt | undefined {
    return this.#current
  }

  /** In place of all others. */
  open(channels: readonly string[], auth: Auth | undefined): void {
    this.close()
    this.#current = this.#attempt(channels, auth)
  }

  close(): void {
    this.#renewal.cancel()
    this.#current?.close()
    this.#next?.close()
    this.#current = this.#next = undefined
  }

  listenFor(names: Iterable<string>): void {
    this.#current?.listenFor(names)
    this.#next?.listenFor(names)
  }

  /** The server has announced that the credentials of the open stream expire. */
  expiring(frame: Frame): void {
    if (this.#current) this.#renewal.expiring(frame, this.#current.credentials)
  }

  #renew(credentials: Credentials): void {
    const current = this.#current
    if (!current || current.renew(credentials)) return
    this.#next?.close()
    this.#next = this.#attempt(current.channels, () => credentials)
  }

  #attempt(channels: readonly string[], auth: Auth | undefined): ConnectionAttempt {
    const { transport, fetch, clock, receiver, request, timeoutMs, timedOut } = this.#options
    const attempt = new ConnectionAttempt({
      transport,
      auth,
      fetch,
      clock,
      request: { ...request(), channels },
      lastFrameAt: () => receiver.lastFrameAt,
      timeoutMs,
      timedOut,
      frame: (frame) => this.#frame(attempt, frame),
      retry: (ms) => {
        receiver.retryMs = Math.min(ms, MAX_WAIT_MS)
      },
      end: (end) => this.#ended(attempt, end),
    })
    return attempt
  }

  #frame(attempt: ConnectionAttempt, frame: RawFrame): void {
    if (attempt === this.#next) {
      // What is not open yet may be told that there are too many streams.
      if (frame.event !== CONTROL.hello) return
      this.#current?.close()
      this.#takeOver(attempt)
    }
    this.#options.receiver.receive(frame)
  }

  #ended(attempt: ConnectionAttempt, end: StreamEnd): void {
    if (attempt === this.#next) {
      this.#next = undefined
      // The old stream still delivers.
      this.#renewal.again()
      return
    }
    const next = this.#next
    if (next) this.#takeOver(next)
    this.#options.ended(attempt, end, next !== undefined)
  }

  #takeOver(next: ConnectionAttempt): void {
    this.#current = next
    this.#next = undefined
  }
}
