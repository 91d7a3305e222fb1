/**
 * Watches the storage, so that a fault is one line in the log and one answer at once to everyone who asks, rather than a
 * failure for each request; and finds out by itself when it is over.
 *
 * Kinds of faults differ in what may be tried. Under a lock, and after an I/O error, every group tries once: its success
 * is the recovery. On a full disk small writes succeed here and there, so nothing is tried until there is room again; on
 * files that were moved a COMMIT would even succeed, and be lost.
 */

import { faultOf, type StorageFault } from '../storage-fault.ts'
import type { StorageHealth } from '../storage-health.ts'
import type { Database } from './database.ts'
import type { DatabaseFiles } from './database-files.ts'
import { LONG_LOG_BYTES } from './sqlite.ts'

export interface StorageGuardOptions {
  readonly database?: Database
  /** What the write-ahead log may grow to. */
  readonly maxWalBytes?: number
  /** Called once when it begins; a fault of another kind is another one. */
  onFault?(fault: StorageFault, cause: unknown): void
  onRecovery?(fault: StorageFault): void
}

/** How long a group waits for the lock of another program before its callers are refused. */
const PATIENCE_MS = 1_000
const CHECK_EVERY_MS = 1_000
/** A full disk counts as full until it has so much room: enough for the largest request and what goes with it. */
const ROOM_BYTES = 2 * 2 ** 20
/** The size of the write-ahead log is looked at once in so many groups, beside the timer. */
const LOG_CHECK_GROUPS = 64
/** Whether the file is where it was is looked at before every group, but no more often than this. */
const FILE_CHECK_MS = 1
/** How often it is tried to shorten a log that somebody else still reads. */
const SHORTEN_EVERY_MS = 2_000

export class StorageGuard implements StorageHealth {
  readonly #database: Database | undefined
  readonly #files: DatabaseFiles | undefined
  readonly #maxWalBytes: number
  readonly #onFault: (fault: StorageFault, cause: unknown) => void
  readonly #onRecovery: (fault: StorageFault) => void
  #fault: StorageFault | null = null
  #busySince: number | null = null
  #groups = 0
  #nextShortening = 0
  #nextFileCheck = 0
  #timer: NodeJS.Timeout | undefined

  constructor({ database, maxWalBytes = Infinity, onFault, onRecovery }: StorageGuardOptions = {}) {
    this.#database = database
    this.#files = database?.files
    this.#maxWalBytes = maxWalBytes
    this.#onFault = (fault, cause) => onFault?.(fault, cause)
    this.#onRecovery = (fault) => onRecovery?.(fault)
  }

  /** What is wrong now; null: nothing. */
  get fault(): StorageFault | null {
    return this.#fault
  }

  /** Looks once a second from now on; `probe` writes something small, in a transaction that is not refused. */
  start(probe: () => Promise<unknown>): void {
    // How the files are now is how they must stay.
    this.#checkFiles()
    let isLooking = false
    this.#timer = setInterval(() => {
      if (isLooking) return
      isLooking = true
      void this.#look(probe).finally(() => {
        isLooking = false
      })
    }, CHECK_EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** The fault for which a group must not even begin; null: it may. Only while somebody looks for its end. */
  refusal(): StorageFault | null {
    const now = performance.now()
    if (now >= this.#nextFileCheck) {
      this.#nextFileCheck = now + FILE_CHECK_MS
      if (this.#files && !this.#files.isInPlace) this.#checkFiles()
    }
    this.#groups += 1
    if (this.#groups % LOG_CHECK_GROUPS === 0) this.#checkLog()
    const fault = this.#fault
    return this.#timer && fault && fault.kind !== 'busy' && fault.kind !== 'io' ? fault : null
  }

  /** Whether a group that could not begin should try again in a moment: not when others have waited in vain. */
  isWorthWaiting(error: unknown): boolean {
    if (faultOf(error).kind !== 'busy' || this.#fault) return false
    this.#busySince ??= performance.now()
    return performance.now() - this.#busySince < PATIENCE_MS
  }

  /** A group was committed. */
  succeeded(): void {
    this.#busySince = null
    if (this.#fault && (this.#fault.kind === 'busy' || this.#fault.kind === 'io')) this.#settle(null)
  }

  /** The database failed; answers what is wrong. */
  failed(error: unknown): StorageFault {
    const fault = faultOf(error)
    this.#busySince = null
    // What refuses groups stays until it is known to be over.
    if (this.#fault === null || this.#fault.kind === 'busy' || this.#fault.kind === 'io') this.#settle(fault, error)
    return fault
  }

  async #look(probe: () => Promise<unknown>): Promise<void> {
    this.#checkFiles()
    await this.#shortenLog()
    this.#checkLog()
    const kind = this.#fault?.kind
    if (kind === 'full' && !(await this.#hasRoom())) return
    if (kind !== 'full' && kind !== 'busy' && kind !== 'io') return
    try {
      await probe()
      if (kind === 'full') this.#settle(null)
    } catch {
      // Reported already: it is the fault that is being looked at.
    }
  }

  /** What waits in the write-ahead log takes room that moving it into the database may free. */
  async #hasRoom(): Promise<boolean> {
    if (!this.#files) return true
    if (this.#files.freeBytes < ROOM_BYTES) await this.#database?.shortenLog()
    return this.#files.freeBytes >= ROOM_BYTES
  }

  #checkFiles(): void {
    const displaced = this.#files?.displacement() ?? null
    if (displaced) this.#settle(displaced)
    else if (this.#fault?.kind === 'moved') this.#settle(null)
  }

  /** A log that a burst or a reader made long is shortened when nothing holds it any more. */
  async #shortenLog(): Promise<void> {
    const { walBytes = 0 } = this.#files ?? {}
    if (walBytes <= Math.min(LONG_LOG_BYTES, this.#maxWalBytes) || this.#fault?.kind === 'moved') return
    if (performance.now() < this.#nextShortening) return
    this.#nextShortening = performance.now() + SHORTEN_EVERY_MS
    await this.#database?.shortenLog()
  }

  #checkLog(): void {
    if (!this.#files || this.#fault?.kind === 'moved') return
    const isFull = this.#files.walBytes > this.#maxWalBytes
    if (isFull && this.#fault === null) {
      this.#settle({
        kind: 'log',
        reason: 'The write-ahead log has reached BOARDCAST_WAL_LIMIT: another program keeps reading the database.',
      })
    } else if (!isFull && this.#fault?.kind === 'log') this.#settle(null)
  }

  #settle(fault: StorageFault | null, cause?: unknown): void {
    const before = this.#fault
    this.#fault = fault
    if (fault && fault.reason !== before?.reason) this.#onFault(fault, cause)
    else if (!fault && before) this.#onRecovery(before)
  }
}
