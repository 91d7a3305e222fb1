/** A store that can be served. */
import type { ConfigError } from '../base/config.ts'
import type { Log } from '../db/log.ts'
import type { NodeSession } from '../db/node-session.ts'
import type { Peers } from '../db/peers.ts'
import type { Storage } from '../db/storage.ts'
import type { Transactions } from '../db/transactions.ts'

export interface OpenedStore {
  readonly storage: Storage
  readonly transactions: Transactions
  readonly log: Log
  /** The other nodes on the same database; null: there can be none. */
  readonly peers: Peers | null
  /** null: no other server can use the database meanwhile. */
  readonly session: NodeSession | null
  /** An error of the storage during the start as a fault of the settings; undefined if it is something else. */
  explain(error: unknown): ConfigError | undefined
}
