/** The reads of a resource: one request at a time, the events that come during it, and the delay before the next one. */

import type { Clock } from '../base/clock.ts'
import { isBefore } from '../base/frames.ts'
import type { Frame } from '../base/types.ts'
import { outdated } from '../requests/freshness.ts'

export interface Loaded<Value> {
  readonly value: Value
  /** The id at which the value is exact, if the server gives one. */
  readonly cursor?: string
}

export interface ReadingOptions<Value> {
  readonly clock: Clock
  /** What is read, for errors. */
  readonly what: string
  /** Every event up to here has come. */
  cursor(): string
  load(cursor: string): Promise<Loaded<Value>>
  /** `queued`: the events that came since the request was sent. */
  onLoaded(loaded: Loaded<Value>, queued: readonly Frame[]): void
  onFailed(reason: unknown): void
}

/** Events that are queued during a request. With more than that, the value is read again. */
const MAX_QUEUED = 10_000
/** The shortest time between two reads that events cause. */
const RELOAD_MS = 1_000
const FIRST_RETRY_MS = 1_500
const MAX_RETRY_MS = 12_000

export class Reading<Value> {
  readonly #options: ReadingOptions<Value>
  /** Changes with every request; an answer to an older one is ignored. */
  #request = 0
  #requestedAt = 0
  isInFlight = false
  /** The events since the request in flight was sent. */
  #queue: Frame[] = []
  #isOverrun = false
  #timer: unknown
  #failures = 0

  constructor(options: ReadingOptions<Value>) {
    this.#options = options
  }

  /** Sends a request. The answer to an earlier one is ignored. */
  load(): void {
    const { clock, load, cursor, onFailed } = this.#options
    const request = ++this.#request
    this.#clearTimer()
    this.isInFlight = true
    this.#queue = []
    this.#isOverrun = false
    this.#requestedAt = clock.now()
    const askedAt = cursor()
    const failed = (reason: unknown) => {
      this.isInFlight = false
      onFailed(reason)
    }
    load(askedAt).then(
      (loaded) => {
        if (request !== this.#request) return
        if (loaded.cursor && isBefore(loaded.cursor, askedAt)) {
          failed(outdated(this.#options.what, loaded.cursor, askedAt))
        } else this.#loaded(loaded)
      },
      (reason: unknown) => request === this.#request && failed(reason),
    )
  }

  /** An event has come while a request is in flight. */
  enqueue(frame: Frame): void {
    if (this.#queue.length < MAX_QUEUED) this.#queue.push(frame)
    else this.#isOverrun = true
  }

  /** Reads again soon, because of an event. */
  reload(): void {
    if (this.#timer === undefined) this.#schedule(this.#reloadMs())
  }

  /** Reads again after a failure, with a delay that grows. */
  retry(): void {
    this.#schedule(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++))
  }

  /** Returns whether no other request has been sent or ignored since. `isNew`: the current request is ignored from now on. */
  mark({ isNew }: { readonly isNew: boolean }): () => boolean {
    if (isNew) this.#request += 1
    const request = this.#request
    return () => request === this.#request
  }

  /** Ignores the answer to the current request. */
  forget(): void {
    this.#request += 1
    this.isInFlight = false
  }

  stop(): void {
    this.forget()
    this.#clearTimer()
  }

  #loaded(loaded: Loaded<Value>): void {
    if (this.#isOverrun) {
      this.#schedule(this.#reloadMs())
      return
    }
    const queued = this.#queue
    this.isInFlight = false
    this.#failures = 0
    this.#options.onLoaded(loaded, queued)
  }

  #reloadMs(): number {
    return Math.max(0, this.#requestedAt + RELOAD_MS - this.#options.clock.now())
  }

  #schedule(delayMs: number): void {
    this.#clearTimer()
    this.#timer = this.#options.clock.setTimeout(() => this.load(), delayMs)
  }

  #clearTimer(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
