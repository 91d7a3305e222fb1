/** One attempt at a stream: gets credentials, opens the transport, and notices when no frames come. */
import type { Clock } from '../base/clock.ts'
import type { Auth, Credentials } from '../base/options.ts'
import { askFor, inAddress, NoTicket } from './credentials.ts'
import type { OpenStream, StreamEnd, StreamRequest, Transport, TransportEvents } from './transport.ts'

export interface ConnectionAttemptOptions extends TransportEvents {
  readonly transport: Transport
  readonly auth: Auth | undefined
  /** For tickets. */
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  readonly request: Omit<StreamRequest, 'credentials'>
  /** When the last frame came, or the attempt began. */
  lastFrameAt(): number
  /** Without a frame for this long, the stream is dead. */
  timeoutMs(): number
  /** Called instead of `end` when no frame came in time, or `auth` returned nothing. */
  timedOut(hasCredentials: boolean): void
}

export class ConnectionAttempt {
  readonly channels: readonly string[]
  /** Where the stream resumes. */
  readonly cursor: string | null
  /** What `auth` returned; for the open stream to be compared with what it returns later. */
  credentials: Credentials
  readonly #options: ConnectionAttemptOptions
  readonly #controller = new AbortController()
  #stream: OpenStream | undefined
  #hasCredentials = false
  #watchdog: unknown
  #watchedMs = 0

  constructor(options: ConnectionAttemptOptions) {
    this.#options = options
    this.channels = options.request.channels
    this.cursor = options.request.cursor
    this.#watch()
    void this.#open()
  }

  listenFor(names: Iterable<string>): void {
    this.#stream?.listenFor?.(names)
  }

  /** The timeout may be shorter than before: the server has announced its heartbeat interval. */
  timeoutChanged(): void {
    if (this.#options.timeoutMs() < this.#watchedMs && !this.#controller.signal.aborted) this.#watch()
  }

  /** Returns whether the stream itself can take new credentials. */
  renew(credentials: Credentials): boolean {
    if (typeof credentials !== 'string' || !this.#stream?.renew) return false
    this.#stream.renew(credentials, () => {
      this.credentials = credentials
    })
    return true
  }

  close(): void {
    this.#controller.abort()
    this.#options.clock.clearTimeout(this.#watchdog)
    this.#stream?.close()
  }

  async #open(): Promise<void> {
    const { transport, auth, fetch, request, frame, retry } = this.#options
    const { signal } = this.#controller
    let credentials: Credentials
    try {
      this.credentials = await askFor(auth)
      this.#hasCredentials = true
      if (signal.aborted) return
      const ticketFrom = { baseUrl: request.baseUrl, fetch }
      credentials =
        transport.name === 'fetch' ? this.credentials : await inAddress(ticketFrom, this.credentials, signal)
    } catch (error) {
      this.#end(error instanceof NoTicket ? error.end : { detail: `no credentials: ${error}` })
      return
    }
    if (signal.aborted) return
    this.#stream = transport.open({ ...request, credentials }, { frame, retry, end: (end) => this.#end(end) })
  }

  #watch(): void {
    const { clock, lastFrameAt, timeoutMs, timedOut } = this.#options
    clock.clearTimeout(this.#watchdog)
    this.#watchedMs = timeoutMs()
    const leftMs = lastFrameAt() + this.#watchedMs - clock.now()
    if (leftMs > 0) this.#watchdog = clock.setTimeout(() => this.#watch(), leftMs)
    else {
      this.close()
      timedOut(this.#hasCredentials)
    }
  }

  #end(end: StreamEnd): void {
    if (this.#controller.signal.aborted) return
    this.close()
    this.#options.end(end)
  }
}
