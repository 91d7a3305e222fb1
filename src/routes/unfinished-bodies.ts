/**
 * Bodies that have arrived in part. A client that never completes one costs memory until its time is up, so all of them
 * together have a limit. Beyond it the oldest is refused: that of a client with something to say is soon complete.
 */
import { Problem } from '../base/errors.ts'

export class UnfinishedBodies {
  readonly #maxBytes: number
  #bytes = 0
  /** What each holds, by the function that refuses it; the oldest first. */
  readonly #bodies = new Map<(problem: Problem) => void, number>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** A body has arrived up to `bytes`. May refuse another, or this one. `refuse` must call `forget`. */
  hold(refuse: (problem: Problem) => void, bytes: number): void {
    this.#bytes += bytes - (this.#bodies.get(refuse) ?? 0)
    this.#bodies.set(refuse, bytes)
    while (this.#bytes > this.#maxBytes) {
      const [oldest] = this.#bodies.keys()
      if (!oldest) return
      oldest(
        new Problem(
          'overloaded',
          'The body arrived too slowly, and the server has no more room for it. Send it again.',
          {
            retryAfterS: 1,
          },
        ),
      )
    }
  }

  /** It is complete, refused or lost. */
  forget(refuse: (problem: Problem) => void): void {
    this.#bytes -= this.#bodies.get(refuse) ?? 0
    this.#bodies.delete(refuse)
  }
}
