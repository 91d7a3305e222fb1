/** What group commit asks about the storage beneath it, and reports to it. */
import { faultOf, type StorageFault } from './storage-fault.ts'

export interface StorageHealth {
  /** The fault for which a group must not even begin; null when it may. */
  refusal(): StorageFault | null
  /** Whether a group that could not begin should be tried again shortly. */
  isWorthWaiting(error: unknown): boolean
  /** A group was committed. */
  succeeded(): void
  /** The database failed. Returns the fault to report. */
  failed(error: unknown): StorageFault
}

/** For a store that nothing watches: every group is tried once. */
export const UNWATCHED: StorageHealth = {
  refusal: () => null,
  isWorthWaiting: () => false,
  succeeded() {},
  failed: faultOf,
}
