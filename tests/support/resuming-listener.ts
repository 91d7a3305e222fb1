/** A listener that is cut repeatedly and reconnects with its last id, as EventSource does. */
import { gate } from './gate.ts'
import { Received } from './received.ts'
import { Tail } from './tail.ts'

export interface ResumingOptions {
  readonly url: string
  readonly path: string
  readonly gzip?: boolean
  /** The number of bytes after which the next connection is cut; undefined: not at all. */
  cutAfter(received: Received): number | undefined
  /** Resolves when the server can be reached. */
  up(): Promise<void>
}

export class ResumingListener implements AsyncDisposable {
  readonly received = new Received()
  /** The number of connections that this side cut after they had begun to answer. */
  cuts = 0
  readonly #options: ResumingOptions
  readonly #waiting = new Set<() => void>()
  #current: Tail | null = null
  #failure: Error | null = null
  #stopped = false
  readonly #stop = gate()
  readonly #ended: Promise<void>

  constructor(options: ResumingOptions) {
    this.#options = options
    this.#ended = this.#run().catch((error) => {
      this.#failure = error
      this.#wake()
    })
  }

  /** Resolves when the condition holds; checks it whenever something is received. Rejects when it cannot hold any more. */
  until(condition: (listener: this) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (this.#failure) reject(this.#failure)
        else if (condition(this)) resolve()
        else return
        this.#waiting.delete(check)
      }
      this.#waiting.add(check)
      check()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    this.#stop.resolve()
    this.#current?.cut()
    await this.#ended
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await Promise.race([this.#options.up(), this.#stop.promise])
      if (this.#stopped) return
      await this.#connection()
      this.#wake()
    }
  }

  /** One connection, from its first byte to its end. */
  async #connection(): Promise<void> {
    const { url, path, gzip } = this.#options
    const cutAfter = this.#options.cutAfter(this.received)
    const { lastEventId } = this.received
    this.received.connect()
    const tail = new Tail(url, path, {
      headers: {
        ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }),
        ...(gzip && { 'Accept-Encoding': 'gzip' }),
      },
      ...(cutAfter !== undefined && { cutAfter }),
      onFrame: (frame) => {
        this.received.take(frame)
        this.#wake()
      },
    })
    this.#current = tail
    await tail.closed
    if (tail.fault) throw tail.fault
    if (tail.status >= 400) throw new Error(`${path}: ${tail.head}`)
    if (cutAfter !== undefined && tail.bytes >= cutAfter) this.cuts += 1
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }
}
