/** One try at a stream: credentials asked for anew, the transport opened, and silence noticed. */
import type { Clock } from './clock.ts'
import type { Auth } from './options.ts'
import type { OpenStream, RawFrame, StreamEnd, StreamRequest, Transport } from './transport.ts'

export interface SessionOptions {
  readonly transport: Transport
  readonly auth: Auth | undefined
  readonly clock: Clock
  readonly request: Omit<StreamRequest, 'credentials'>
  /** As it is now: the server says how often its heart beats. */
  silenceMs(): number
  frame(frame: RawFrame): void
  retry(ms: number): void
  /** Once, and nothing after it; not after `close`. */
  end(end: StreamEnd): void
  /** In place of `end`. */
  silent(): void
}

export interface StreamSession {
  readonly channels: readonly string[]
  readonly lastFrameAt: number
  hear(names: Iterable<string>): void
  close(): void
}

export function openSession({ transport, auth, clock, request, ...on }: SessionOptions): StreamSession {
  let stream: OpenStream | undefined
  let isOver = false
  let lastFrameAt = clock.now()
  let watchdog: unknown
  let watchedMs = 0

  watch()
  void (async () => auth?.())().then(
    (credentials) => {
      if (isOver) return
      stream = transport.open(
        { ...request, credentials },
        {
          frame(frame) {
            if (isOver) return
            lastFrameAt = clock.now()
            on.frame(frame)
            // The first frame says how often the heart beats.
            if (on.silenceMs() < watchedMs && !isOver) watch()
          },
          retry: (ms) => isOver || on.retry(ms),
          end,
        },
      )
    },
    (error: unknown) => end({ detail: `no credentials: ${error}` }),
  )

  function watch(): void {
    clock.clearTimeout(watchdog)
    watchedMs = on.silenceMs()
    const leftMs = lastFrameAt + watchedMs - clock.now()
    if (leftMs > 0) watchdog = clock.setTimeout(watch, leftMs)
    else {
      close()
      on.silent()
    }
  }

  function end(said: StreamEnd): void {
    if (isOver) return
    close()
    on.end(said)
  }

  function close(): void {
    isOver = true
    clock.clearTimeout(watchdog)
    stream?.close()
  }

  return {
    channels: request.channels,
    get lastFrameAt() {
      return lastFrameAt
    },
    hear: (names) => stream?.hear?.(names),
    close,
  }
}
