/** How many connections each client may hold open. */

/** One connection's place under the limit. */
export interface Place {
  /** The connection has ended, or could not be opened. Safe to call twice. */
  giveBack(): void
  /** The connection belongs to another client from now on, which may exceed the limit by this; undefined: to nobody. */
  moveTo(client: string | undefined): void
}

export class ConnectionLimit {
  readonly #max: number
  readonly #held = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** null: the client holds as many as it may. */
  take(client: string): Place | null {
    return this.heldBy(client) >= this.#max ? null : new LimitedPlace(this, client)
  }

  heldBy(client: string): number {
    return this.#held.get(client) ?? 0
  }

  /** For places. */
  count(client: string, change: 1 | -1): void {
    const held = this.heldBy(client) + change
    if (held > 0) this.#held.set(client, held)
    else this.#held.delete(client)
  }
}

class LimitedPlace implements Place {
  readonly #limit: ConnectionLimit
  /** undefined: it was given back. */
  #client: string | undefined

  constructor(limit: ConnectionLimit, client: string) {
    this.#limit = limit
    this.#client = client
    limit.count(client, 1)
  }

  giveBack(): void {
    if (this.#client !== undefined) this.#limit.count(this.#client, -1)
    this.#client = undefined
  }

  moveTo(client: string | undefined): void {
    if (this.#client === undefined) return
    this.giveBack()
    this.#client = client
    if (client !== undefined) this.#limit.count(client, 1)
  }
}

/** Shared by all connections that are not limited. */
export const UNLIMITED: Place = { giveBack: () => undefined, moveTo: () => undefined }
