/** A listener on a real socket that is connected, cut and stalled when the test says so, and resumes with its last id. */
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { bareOf, Received } from './received.ts'
import type { Listening } from './sights.ts'
import { Tail } from './tail.ts'

export interface CutListenerOptions {
  /** Asked before every connection: it may be another server each time. */
  url(): string
  readonly listening: Listening
  readonly gzip: boolean
}

export class CutListener {
  readonly listening: Listening
  readonly received = new Received()
  readonly #options: CutListenerOptions
  #tail: Tail | null = null
  /** A cut connection may still have bytes to decompress; the next one begins after that. */
  #before: Promise<void> = Promise.resolve()
  #ended: Promise<void> = Promise.resolve()
  #waiting: (() => void) | null = null
  /** Reconnects whenever it is cut. */
  #isStaying = false

  constructor(options: CutListenerOptions) {
    this.#options = options
    this.listening = options.listening
  }

  /** Opens a connection unless one is open. It is cut after that many bytes, except for the largest numbers. */
  connect(bytes = Infinity): void {
    this.#before = this.#before.then(() => {
      if (this.#tail) return
      this.received.connect()
      const tail = new Tail(this.#options.url(), this.#path, {
        headers: { ...(this.#options.gzip && { 'Accept-Encoding': 'gzip' }), ...this.#cursor },
        cutAfter: bytes > 100_000 ? Infinity : bytes + 1,
        onFrame: (frame) => {
          this.received.take(frame)
          this.#waiting?.()
        },
      })
      this.#tail = tail
      this.#ended = tail.closed.then(() => {
        if (tail.fault) this.received.faults.push(tail.fault.message)
        if (tail.status >= 400) this.received.faults.push(tail.head)
        this.#tail = null
        if (this.#isStaying) this.connect()
      })
    })
  }

  cut(): void {
    this.#before = this.#before.then(() => {
      this.#tail?.cut()
      return this.#ended
    })
  }

  pause(): void {
    this.#tail?.socket.pause()
  }

  resume(): void {
    this.#tail?.socket.resume()
  }

  /** Reads, or reconnects where it was cut, and resolves when it has reached this position. */
  async reach(seq: number): Promise<void> {
    this.resume()
    this.#isStaying = true
    this.connect()
    await this.#until(() => this.received.reached >= seq)
  }

  /** Resolves when the last `state` is this one, if the listener gets states. */
  async untilState(state: BoardState): Promise<void> {
    const { channels, view, types } = this.listening
    if (view !== 'full' || !channels.includes(`board:${state.boardId}`) || (types && !types.includes('state'))) return
    await this.#until(() => {
      const last = this.received.stretch.frames.findLast(({ event }) => event === 'state')
      return last !== undefined && JSON.stringify(bareOf(last.text)) === JSON.stringify(state)
    })
  }

  async close(): Promise<void> {
    this.#isStaying = false
    this.cut()
    await this.#before
  }

  get #path(): string {
    const { channels, view, types } = this.listening
    const named = channels.map((name) => (name.startsWith('board:') ? `${name};${view}` : name))
    return `/sse?channels=${named.join(',')}${types ? `&types=${types.join(',')}` : ''}`
  }

  get #cursor(): Record<string, string> {
    const { lastEventId } = this.received
    return lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = () => {
        if (!condition()) return
        this.#waiting = null
        resolve()
      }
      this.#waiting()
    })
  }
}
