/** One attempt at a stream: gets credentials, opens the transport, and notices when no frames come. */
import type { Clock } from '../base/clock.ts'
import type { Auth } from '../base/options.ts'
import type { OpenStream, StreamEnd, StreamRequest, Transport, TransportEvents } from './transport.ts'

export interface ConnectionAttemptOptions extends TransportEvents {
  readonly transport: Transport
  readonly auth: Auth | undefined
  readonly clock: Clock
  readonly request: Omit<StreamRequest, 'credentials'>
  /** When the last frame came, or the attempt began. */
  lastFrameAt(): number
  /** Without a frame for this long, the stream is dead. */
  timeoutMs(): number
  /** Called instead of `end` when no frame came in time. */
  timedOut(): void
}

export class ConnectionAttempt {
  readonly channels: readonly string[]
  readonly #options: ConnectionAttemptOptions
  #stream: OpenStream | undefined
  #isClosed = false
  #watchdog: unknown
  #watchedMs = 0

  constructor(options: ConnectionAttemptOptions) {
    this.#options = options
    this.channels = options.request.channels
    this.#watch()
    void this.#open()
  }

  listenFor(names: Iterable<string>): void {
    this.#stream?.listenFor?.(names)
  }

  /** The timeout may be shorter than before: the server has announced its heartbeat interval. */
  timeoutChanged(): void {
    if (this.#options.timeoutMs() < this.#watchedMs && !this.#isClosed) this.#watch()
  }

  close(): void {
    this.#isClosed = true
    this.#options.clock.clearTimeout(this.#watchdog)
    this.#stream?.close()
  }

  async #open(): Promise<void> {
    const { transport, auth, request, frame, retry } = this.#options
    let credentials: Awaited<ReturnType<Auth>>
    try {
      credentials = await auth?.()
    } catch (error) {
      this.#end({ detail: `no credentials: ${error}` })
      return
    }
    if (this.#isClosed) return
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
      timedOut()
    }
  }

  #end(end: StreamEnd): void {
    if (this.#isClosed) return
    this.close()
    this.#options.end(end)
  }
}
