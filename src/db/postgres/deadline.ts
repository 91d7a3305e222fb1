/** The time that a transaction may take. A connection on which a database does not answer any more is ended. */
import type { Socket } from 'node:net'
import type pg from 'pg'

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

/** Not a public part of the library, which can end a connection only after the answers that are still to come. */
function socketOf(client: pg.PoolClient): Socket {
  return (client as pg.PoolClient & { readonly connection: { readonly stream: Socket } }).connection.stream
}
