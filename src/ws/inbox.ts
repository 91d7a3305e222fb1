/** The messages of one client: carried out one after the other, at a limited rate, and with a limit on what may wait. */
import { MessageRate, type Verdict } from './message-rate.ts'

export class Inbox {
  readonly #rate = new MessageRate(performance.now())
  readonly #capacity: number
  readonly #onError: (error: unknown) => void
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  /** `capacity` is the total size of the messages that may wait, in the unit in which the caller gives sizes. */
  constructor(capacity: number, onError: (error: unknown) => void) {
    this.#capacity = capacity
    this.#onError = onError
  }

  /** Counts a message and decides what happens to it. Messages may have to wait because a client reads slowly. */
  admit(size: number): Verdict {
    const verdict = this.#rate.take(performance.now())
    return verdict === 'carry out' && this.#waiting + size > this.#capacity ? 'refuse' : verdict
  }

  /** Runs after everything that was added before; what it rejects with is an internal error. */
  add(work: () => void | Promise<void>, size = 0): void {
    this.#waiting += size
    this.#last = this.#last
      .then(work)
      .catch(this.#onError)
      .finally(() => {
        this.#waiting -= size
      })
  }
}
