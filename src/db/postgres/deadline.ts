/** The time that a transaction may take. A connection on which a database does not answer any more is ended. */
import type pg from 'pg'
import { socketOf } from './socket.ts'

export class Deadline {
  readonly #endsAt: number
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.#endsAt = performance.now() + ms
  }

  /** Not below 0. */
  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now())
  }

  /** Ends the connection of the client if `clear` is not called in time: all that is asked on it fails. */
  ends(client: pg.PoolClient): void {
    if (this.#endsAt === Infinity) return
    this.#timer = setTimeout(() => socketOf(client).destroy(), this.leftMs)
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}
