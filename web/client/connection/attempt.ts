/** One attempt at a stream: gets credentials, opens the transport, and notices silence. */
import type { Clock } from '../base/clock.ts'
import type { Auth } from '../base/options.ts'
import type { OpenStream, RawFrame, StreamEnd, StreamRequest, Transport } from './transport.ts'

export interface AttemptOptions {
  readonly transport: Transport
  readonly auth: Auth | undefined
  readonly clock: Clock
  readonly request: Omit<StreamRequest, 'credentials'>
  /** How long a silence makes the stream a dead one. May change: the server announces its heartbeat interval. */
  timeoutMs(): number
  frame(frame: RawFrame): void
  retry(ms: number): void
  /** Called once, and nothing after it. Not called after `close`. */
  end(end: StreamEnd): void
  /** Called instead of `end` when no frame came in time. */
  timedOut(): void
}

export class Attempt {
  readonly channels: readonly string[]
  lastFrameAt: number
  readonly #options: AttemptOptions
  #stream: OpenStream | undefined
  #isClosed = false
  #watchdog: unknown
  #watchedMs = 0

  constructor(options: AttemptOptions) {
    this.#options = options
    this.channels = options.request.channels
    this.lastFrameAt = options.clock.now()
    this.#watch()
    void this.#open()
  }

  listenFor(names: Iterable<string>): void {
    this.#stream?.listenFor?.(names)
  }

  close(): void {
    this.#isClosed = true
    this.#options.clock.clearTimeout(this.#watchdog)
    this.#stream?.close()
  }

  async #open(): Promise<void> {
    const { transport, auth, clock, request, frame, retry, timeoutMs } = this.#options
    let credentials: Awaited<ReturnType<Auth>>
    try {
      credentials = await auth?.()
    } catch (error) {
      this.#end({ detail: `no credentials: ${error}` })
      return
    }
    if (this.#isClosed) return
    this.#stream = transport.open(
      { ...request, credentials },
      {
        frame: (raw) => {
          if (this.#isClosed) return
          this.lastFrameAt = clock.now()
          frame(raw)
          // The first frame announces the heartbeat interval, which may be shorter than assumed.
          if (timeoutMs() < this.#watchedMs && !this.#isClosed) this.#watch()
        },
        retry: (ms) => this.#isClosed || retry(ms),
        end: (end) => this.#end(end),
      },
    )
  }

  #watch(): void {
    const { clock, timeoutMs, timedOut } = this.#options
    clock.clearTimeout(this.#watchdog)
    this.#watchedMs = timeoutMs()
    const leftMs = this.lastFrameAt + this.#watchedMs - clock.now()
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
