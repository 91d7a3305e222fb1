/** Refusals of a client that does not stop are held back, so that it waits, and not the others. Rule HA15 of docs/security.md. */
import type { IncomingMessage } from 'node:http'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Problem } from '../base/errors.ts'
import { TokenBuckets } from '../base/token-bucket.ts'

/** A client may be refused so often without being held back: who meets the limit now and then hears of it at once. */
const AT_ONCE = { rate: 1, burst: 100 }
const MAX_CLIENTS = 20_000
const HOLD_MS = 1_000
/** Each keeps its request, some KiB. */
const MAX_HELD = 5_000

export class HeldRefusals {
  readonly #atOnce = new TokenBuckets(AT_ONCE, MAX_CLIENTS)
  #held = 0

  /** Rejects with the refusal when the client may hear it. */
  async hold(client: string, { socket }: IncomingMessage, refusal: Problem): Promise<never> {
    const isOften = this.#atOnce.take(client, performance.now()) > 0
    if (isOften && this.#held < MAX_HELD) {
      this.#held += 1
      // In this turn Node may still ask for the rest of the body, which would undo the pause.
      await nextTurn()
      // Requests that the client has sent ahead would be read, and each would be a refusal of its own.
      socket.pause()
      await delay(HOLD_MS)
      socket.resume()
      this.#held -= 1
    }
    throw refusal
  }
}
