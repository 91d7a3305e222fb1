/**
 * Wakes the other nodes on a database after a COMMIT. A ring carries no events: a node that hears it reads the log. A ring
 * that is lost, doubled, early or late costs time at most.
 */

import { DoorbellHealth, type DoorbellReports } from './doorbell-health.ts'

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

const UNREPORTED: DoorbellReports = { onFailure() {}, onReturn() {} }

/** Looks at the head of the log once per interval, and rings here. Ringing it does nothing. */
export class Poll implements Doorbell {
  readonly #readHead: () => Promise<number>
  readonly #listeners = new Set<(head: number) => void>()
  readonly #timer: NodeJS.Timeout
  readonly #health: DoorbellHealth
  #isLooking = false

  constructor(readHead: () => Promise<number>, everyMs: number, reports: DoorbellReports = UNREPORTED) {
    this.#readHead = readHead
    this.#health = new DoorbellHealth('ok', reports)
    this.#timer = setInterval(() => void this.#look(), everyMs)
    this.#timer.unref()
  }

  get status(): 'ok' | 'degraded' {
    return this.#health.status
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
      this.#health.works()
      for (const listener of this.#listeners) listener(head)
    } catch (error) {
      // The next look may succeed.
      this.#health.fails(error)
    } finally {
      this.#isLooking = false
    }
  }
}

/** A doorbell, and a poll that finds what it has missed. Its status is that of the doorbell. */
export function withPoll(bell: Doorbell, poll: Poll): Doorbell {
  return {
    get status() {
      return bell.status
    },
    ring: (head) => bell.ring(head),
    onRing(listener) {
      const removals = [bell.onRing(listener), poll.onRing(listener)]
      return () => {
        for (const remove of removals) remove()
      }
    },
    stop() {
      bell.stop()
      poll.stop()
    },
  }
}
