/** Refusals of a client that does not stop are held back, so that it waits, and not the others. Rule HA15 of docs/security.md. */
import type { IncomingMessage } from 'node:http'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Problem } from '../base/errors.ts'
import { TokenBuckets } from '../base/token-bucket.ts'

/**
 * A client may be refused so often at once: who meets the limit now and then hears of it at once. Then it hears of one
 * refusal every 50 ms, so that its next requests come one by one, and not as many together as it has connections.
 */
const PACE = { rate: 20, burst: 100 }
const MAX_CLIENTS = 20_000
const MAX_HOLD_MS = 5_000
/** Each keeps its request, some KiB. */
const MAX_HELD = 5_000

export class HeldRefusals {
  readonly #paces = new TokenBuckets(PACE, MAX_CLIENTS)
  #held = 0

  /** Rejects with the refusal when the client may hear it. */
  async hold(client: string, { socket }: IncomingMessage, refusal: Problem): Promise<never> {
    if (this.#held >= MAX_HELD) throw refusal
    const waitMs = this.#paces.reserve(client, performance.now(), MAX_HOLD_MS)
    if (waitMs > 0) {
      this.#held += 1
      // In this turn Node may still ask for the rest of the body, which would undo the pause.
      await nextTurn()
      // Requests that the client has sent ahead would be read, and each would be a refusal of its own.
      socket.pause()
      await delay(waitMs)
      socket.resume()
      this.#held -= 1
    }
    throw refusal
  }
}
