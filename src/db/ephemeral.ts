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
  /** Passes on what a group of mutations published, inside its transaction: without a COMMIT nobody gets it. */
  pass(sql: Sql, events: readonly EphemeralEvent[]): Promise<void>
  /** Calls the listener with what other nodes passed on. Returns how to undo it. */
  onPassed(listener: (events: readonly EphemeralEvent[]) => void): () => void
}

/** For one node alone: there is nobody to pass anything on to. */
export const ON_THIS_NODE: Ephemeral = {
  async pass() {},
  onPassed: () => () => {},
}
