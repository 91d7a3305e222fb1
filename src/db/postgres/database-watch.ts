/**
 * A circuit breaker for a database that others run. While it does not answer, mutations are refused at once, and one small
 * write is tried again and again: nothing else tells that it can be written again.
 */

import type { StorageReports, StorageWatch } from '../storage.ts'
import { faultOf, type StorageFault } from '../storage-fault.ts'

const TRY_EVERY_MS = 250
/** How long a group waits for the lock of another program before its callers are refused. */
const PATIENCE_MS = 1_000

export class DatabaseWatch implements StorageWatch {
  readonly #reports: StorageReports
  #fault: StorageFault | null = null
  #busySince: number | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(reports: StorageReports) {
    this.#reports = reports
  }

  get fault(): StorageFault | null {
    return this.#fault
  }

  start(probe: () => Promise<unknown>): void {
    let isTrying = false
    this.#timer = setInterval(() => {
      if (isTrying || !this.#fault) return
      isTrying = true
      // A failure is the current fault, and a success ends it: the store reports both.
      void probe()
        .catch(() => {})
        .finally(() => {
          isTrying = false
        })
    }, TRY_EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Only while the timer tries for recovery. */
  refusal(): StorageFault | null {
    return this.#timer ? this.#fault : null
  }

  isWorthWaiting(error: unknown): boolean {
    if (faultOf(error).kind !== 'busy' || this.#fault) return false
    this.#busySince ??= performance.now()
    return performance.now() - this.#busySince < PATIENCE_MS
  }

  succeeded(): void {
    this.#busySince = null
    const before = this.#fault
    this.#fault = null
    if (before) this.#reports.onRecovery(before)
  }

  failed(error: unknown): StorageFault {
    this.#busySince = null
    const fault = faultOf(error)
    const before = this.#fault
    this.#fault = fault
    if (fault.reason !== before?.reason) this.#reports.onFault(fault, error)
    return fault
  }
}
