/**
 * Ephemeral events for the other nodes, through a table of the database. A group writes one row inside its transaction,
 * and every node reads the rows that are new to it when it looks at the head of the log.
 *
 *   node a   pass    INSERT 7                          inside the transaction of the mutation
 *   node b   read    those after 6 of others, deliver    within a second
 *
 * Ids are taken from the table itself while other writers are locked out, so they rise in the order of commit. The newest
 * row is never deleted: an id is not used twice.
 */
import type { Ephemeral, EphemeralEvent } from './ephemeral.ts'
import type { Sql } from './sql.ts'

/** Counted by the clock of the node that deletes, from when it first saw the row: clocks of nodes may differ. */
const LIFETIME_MS = 60_000

const INSERT = `INSERT INTO passed_events (id, node, events)
  SELECT coalesce(max(id), 0) + 1, ?, ? FROM passed_events`
const NEWEST = 'SELECT coalesce(max(id), 0) AS id FROM passed_events'
export const OF_OTHERS = 'SELECT events FROM passed_events WHERE id > ? AND id <= ? AND node <> ? ORDER BY id'
const DELETE = 'DELETE FROM passed_events WHERE id <= ?'

export interface PassedEventsOptions {
  /** Rows under this name are this node's own. */
  readonly node: string
  /** Rows up to here were there before this node. */
  readonly newest: number
  /** Milliseconds; does not go back. */
  now?(): number
}

export class PassedEvents implements Ephemeral {
  readonly #node: string
  readonly #now: () => number
  readonly #listeners = new Set<(events: readonly EphemeralEvent[]) => void>()
  /** Everything up to here has been delivered. */
  #delivered: number
  /** When which id was the newest, oldest first. */
  readonly #seen: Array<{ readonly at: number; readonly id: number }> = []
  /** Rows up to here have been there for long enough, and were not deleted by this node; 0: none. */
  #expired = 0

  constructor({ node, newest, now = () => performance.now() }: PassedEventsOptions) {
    this.#node = node
    this.#now = now
    this.#delivered = newest
  }

  /** Begins after the rows that are there now. */
  static async after(sql: Sql, node: string): Promise<PassedEvents> {
    return new PassedEvents({ node, newest: await newestIn(sql) })
  }

  async pass(sql: Sql, events: readonly EphemeralEvent[]): Promise<void> {
    await sql.run(INSERT, [this.#node, JSON.stringify(events)])
    this.#expire()
    if (this.#expired === 0) return
    await sql.run(DELETE, [this.#expired])
    this.#expired = 0
  }

  onPassed(listener: (events: readonly EphemeralEvent[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Reads the rows of other nodes that are new, inside a transaction. The function that it resolves to delivers them; call
   * it when the log of the same transaction has been published. Until then the next `read` reads them again, so two of them
   * must not overlap.
   */
  async read(sql: Sql): Promise<() => void> {
    const newest = await newestIn(sql)
    const rows =
      newest > this.#delivered
        ? await sql.all<{ events: string }>(OF_OTHERS, [this.#delivered, newest, this.#node])
        : []
    return () => {
      // Smaller than before when an older copy of the database has taken its place.
      this.#delivered = newest
      this.#note(newest)
      const events = rows.flatMap((row) => JSON.parse(row.events) as EphemeralEvent[])
      if (events.length === 0) return
      for (const listener of this.#listeners) listener(events)
    }
  }

  #note(newest: number): void {
    const last = this.#seen.at(-1)?.id ?? 0
    if (newest < last) {
      this.#seen.length = 0
      this.#expired = 0
    }
    if (newest !== last) this.#seen.push({ at: this.#now(), id: newest })
    this.#expire()
  }

  #expire(): void {
    const before = this.#now() - LIFETIME_MS
    for (let first = this.#seen[0]; first && first.at <= before; first = this.#seen[0]) {
      this.#expired = first.id
      this.#seen.shift()
    }
  }
}

async function newestIn(sql: Sql): Promise<number> {
  return (await sql.get<{ id: number }>(NEWEST))?.id ?? 0
}
