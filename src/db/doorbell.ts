/**
 * Wakes the other nodes on a database after a COMMIT. A ring carries no events: a node that hears it reads the log. A ring
 * that is lost, doubled, early or late costs time at most.
 */

export interface Doorbell {
  /** `degraded`: rings are not getting through for now. */
  readonly status: 'ok' | 'degraded'
  /** Tells the other nodes that the log has grown up to `head`. Returns at once and never throws. */
  ring(head: number): void
  /** Calls the listener when the log may have grown up to `head`. Returns a function that removes it. */
  onRing(listener: (head: number) => void): () => void
  stop(): void
}

/** For a process that alone writes to its database. */
export const NO_DOORBELL: Doorbell = {
  status: 'ok',
  ring() {},
  onRing: () => () => {},
  stop() {},
}

/** Looks at the head of the log once per interval, and rings here. Ringing it does nothing. */
export class Poll implements Doorbell {
  readonly #readHead: () => Promise<number>
  readonly #listeners = new Set<(head: number) => void>()
  readonly #timer: NodeJS.Timeout
  #status: 'ok' | 'degraded' = 'ok'
  #isLooking = false

  constructor(readHead: () => Promise<number>, everyMs: number) {
    this.#readHead = readHead
    this.#timer = setInterval(() => void this.#look(), everyMs)
    this.#timer.unref()
  }

  get status(): 'ok' | 'degraded' {
    return this.#status
  }

  ring(): void {}

  onRing(listener: (head: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Does nothing while the last look is still under way. */
  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const head = await this.#readHead()
      this.#status = 'ok'
      for (const listener of this.#listeners) listener(head)
    } catch {
      // Reported by the store, which failed to read. The next look may succeed.
      this.#status = 'degraded'
    } finally {
      this.#isLooking = false
    }
  }
}
