/** A store that can be served. */
import type { ConfigError } from '../base/config.ts'
import type { Log } from '../db/log.ts'
import type { Storage } from '../db/storage.ts'
import type { Transactions } from '../db/transactions.ts'

export interface OpenedStore {
  readonly storage: Storage
  readonly transactions: Transactions
  readonly log: Log
  /** An error of the storage during the start as a fault of the settings; undefined if it is something else. */
  explain(error: unknown): ConfigError | undefined
}
