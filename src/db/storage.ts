/** What a server needs of its database beside transactions: to watch it, to leave a note of its stop, to close it. */
import type { StorageFault } from './storage-fault.ts'
import type { StorageHealth } from './storage-health.ts'

export interface StorageReports {
  /** Called once when a fault begins, and again when its reason changes. */
  onFault(fault: StorageFault, cause: unknown): void
  onRecovery(fault: StorageFault): void
}

export interface StorageWatch extends StorageHealth {
  /** The current fault; null when there is none. */
  readonly fault: StorageFault | null
  /** Looks after the storage from now on. `probe` writes a small value in a transaction that is not refused. */
  start(probe: () => Promise<unknown>): void
  stop(): void
}

export interface Storage {
  /** As operators know it: a path, or a URL without a password. */
  readonly name: string
  watch(reports: StorageReports): StorageWatch
  /** A file that records that the server was stopped at a cursor, if the database cannot be written; null: there is no place. */
  stopMark(cursor: string): string | null
  /** Makes what was written last visible to a server that opens the database by another name. Never rejects. */
  settle(): Promise<void>
  close(): Promise<void>
}
