/**
 * A circuit breaker for the storage. A fault is logged once, requests are refused at once while it lasts, and recovery is
 * detected automatically.
 *
 * The kind of fault decides what is tried meanwhile. During a lock or after an I/O error every group tries once, and a
 * success ends the fault. On a full disk small writes may still succeed, so nothing is written until there is room. After
 * the files were moved, a COMMIT would succeed and be lost.
 */

import { faultOf, type StorageFault } from '../storage-fault.ts'
import type { StorageHealth } from '../storage-health.ts'
import type { Database } from './database.ts'
import type { DatabaseFiles } from './database-files.ts'
import { LONG_LOG_BYTES } from './sqlite.ts'

export interface StorageGuardOptions {
  readonly database?: Database
  /** The limit of the write-ahead log. */
  readonly maxWalBytes?: number
  /** Called once when a fault begins, and again when its reason changes. */
  onFault?(fault: StorageFault, cause: unknown): void
  onRecovery?(fault: StorageFault): void
}

/** How long a group waits for the lock of another program before its callers are refused. */
const PATIENCE_MS = 1_000
const CHECK_EVERY_MS = 1_000
/** A full disk counts as full until this much is free: enough for the largest request and its events. */
const ROOM_BYTES = 2 * 2 ** 20
/** The size of the write-ahead log is checked once per this many groups, and by the timer. */
const LOG_CHECK_GROUPS = 64
/** The path of the file is checked before every group, but at most once in this interval. */
const FILE_CHECK_MS = 1
/** How often a log that another process still reads is checkpointed. */
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

  /** The current fault; null when there is none. */
  get fault(): StorageFault | null {
    return this.#fault
  }

  /** Checks once a second from now on. `probe` writes a small value in a transaction that is not refused. */
  start(probe: () => Promise<unknown>): void {
    // Records the companions of the database file, to compare with later.
    this.#checkFiles()
    let isChecking = false
    this.#timer = setInterval(() => {
      if (isChecking) return
      isChecking = true
      void this.#check(probe).finally(() => {
        isChecking = false
      })
    }, CHECK_EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** The fault for which a group must not begin; null when it may. Only while the timer checks for recovery. */
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

  /** Whether a group that met a lock should retry: not when earlier groups have already waited for that long. */
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

  /** Records a failure of the database. Returns the fault. */
  failed(error: unknown): StorageFault {
    const fault = faultOf(error)
    this.#busySince = null
    // A fault that refuses groups stays until a check finds that it has ended.
    if (this.#fault === null || this.#fault.kind === 'busy' || this.#fault.kind === 'io') this.#settle(fault, error)
    return fault
  }

  async #check(probe: () => Promise<unknown>): Promise<void> {
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
      // Already reported: it is the current fault.
    }
  }

  /** Checkpointing the write-ahead log may free disk space. */
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

  /** Shortens a log that grew in a burst or during a long read. */
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
