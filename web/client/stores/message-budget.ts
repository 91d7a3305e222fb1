/**
 * How much a socket may send, counted here as the server counts it (docs/protocol.md, W51). A message beyond the limit is
 * not carried out, and a client that goes on is disconnected.
 */
import { MESSAGE_BURST, MESSAGES_PER_SECOND } from '../../../shared/src/protocol.ts'

/** Left for what the user sends, and for messages that bunch up on their way. */
const RESERVE = 5

export class MessageBudget {
  #left = MESSAGE_BURST
  #filledAt: number

  constructor(now: number) {
    this.#filledAt = now
  }

  /** Counts a message, whoever sends it. */
  spend(now: number): void {
    this.#fill(now)
    this.#left = Math.max(0, this.#left - 1)
  }

  /** The server counted more than we did: the burst is used up. */
  exhaust(now: number): void {
    this.#left = 0
    this.#filledAt = now
  }

  /** Until a message that can wait may be sent; 0: now. */
  delayMs(now: number): number {
    this.#fill(now)
    return Math.ceil((Math.max(0, RESERVE + 1 - this.#left) / MESSAGES_PER_SECOND) * 1_000)
  }

  #fill(now: number): void {
    const elapsedMs = Math.max(0, now - this.#filledAt)
    this.#left = Math.min(MESSAGE_BURST, this.#left + (elapsedMs / 1_000) * MESSAGES_PER_SECOND)
    this.#filledAt = now
  }
}
