/**
 * Leadership. Of all nodes on a database, only the leader may run background work: retention, expiry, settling and
 * clean-up.
 */
import type { Sql } from './sql.ts'
import type { Store, Tx } from './store.ts'

export interface Lease {
  /** Whether this node leads. Call inside a transaction; the answer holds until the transaction ends. */
  isHeld(sql: Sql): Promise<boolean>
  /** Whether it is worth asking, as far as this node knows. Left out: always. */
  isLikely?(): boolean
}

/** For a single node, which always leads. */
export const SOLE_NODE: Lease = { isHeld: async () => true }

export interface Leader {
  /** Whether this node leads, as far as it knows. */
  readonly isLikely: boolean
  /** As `Store.transact` when this node leads; otherwise `work` is not run, and the result is undefined. */
  transact<T>(work: (tx: Tx) => Promise<T>): Promise<T | undefined>
}

export function createLeader(store: Store, lease: Lease): Leader {
  const isLikely = () => lease.isLikely?.() ?? true
  return {
    get isLikely() {
      return isLikely()
    },
    async transact(work) {
      if (!isLikely()) return undefined
      return store.transact(async (tx) => ((await lease.isHeld(tx.sql)) ? work(tx) : undefined))
    },
  }
}
