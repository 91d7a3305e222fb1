/**
 * Leadership. Work that timers start (retention, expiry, settling, clean-up) must be done by one of the nodes on a
 * database only, the leader.
 */
import type { Sql } from './sql.ts'
import type { Store, Tx } from './store.ts'

export interface Lease {
  /** Whether this node leads. Asked inside a transaction, and true until that is over. */
  isHeld(sql: Sql): Promise<boolean>
}

/** For one node alone, which always leads. */
export const SOLE_NODE: Lease = { isHeld: async () => true }

export interface Leader {
  /** As `Store.transact` when this node leads; otherwise `work` is not run, and the result is undefined. */
  transact<T>(work: (tx: Tx) => Promise<T>): Promise<T | undefined>
}

export function createLeader(store: Store, lease: Lease): Leader {
  return {
    transact: (work) => store.transact(async (tx) => ((await lease.isHeld(tx.sql)) ? work(tx) : undefined)),
  }
}
