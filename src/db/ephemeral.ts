/**
 * Ephemeral events, such as heartbeats of agents: sent to those who listen when the mutation is committed, never stored
 * in the log, and not resumable. Listeners on this node get them from the store. This is the seam for the other nodes.
 */
import type { Sql } from './sql.ts'

export interface EphemeralEvent {
  readonly event: string
  /** A listener of several of them gets the event once. */
  readonly channels: readonly string[]
  readonly payload: object
}

export interface Ephemeral {
  /** Passes on the ephemeral events of a group, inside its transaction: without a COMMIT they are not sent. */
  pass(sql: Sql, events: readonly EphemeralEvent[]): Promise<void>
  /** Calls the listener with the events that other nodes passed on. Returns a function that removes it. */
  onPassed(listener: (events: readonly EphemeralEvent[]) => void): () => void
}

/** For one node alone, which passes nothing on. */
export const ON_THIS_NODE: Ephemeral = {
  async pass() {},
  onPassed: () => () => {},
}
