/** The kinds of storage faults, and the only place that maps SQLite's error codes to them; those of PostgreSQL have their own. */
import { Problem } from '../base/errors.ts'

/**
 * - `busy`: another program holds the write lock;
 * - `full`: the disk has no room;
 * - `moved`: the files are no longer at their path;
 * - `log`: the write-ahead log has reached its limit;
 * - `damaged`: the file is not a valid database;
 * - `away`: the database does not answer;
 * - `io`: any other error of the disk or the operating system.
 */
export type FaultKind = 'busy' | 'full' | 'moved' | 'log' | 'damaged' | 'away' | 'io'

export interface StorageFault {
  readonly kind: FaultKind
  /** A sentence for operators and callers. It holds no path. */
  readonly reason: string
}

/** The database cannot be read or written at present; the request itself may be valid. */
export class StorageUnavailable extends Problem {
  readonly fault: StorageFault

  constructor(fault: StorageFault, cause?: unknown) {
    const advice = fault === WENT_BACK ? '' : '; try again'
    super('storage_unavailable', `${fault.reason} Nothing was changed${advice}.`, {
      // A lock is short; other faults need an operator.
      retryAfterS: fault.kind === 'busy' ? 1 : 2,
      cause,
    })
    this.fault = fault
  }
}

/**
 * The connection to the database was lost during a COMMIT, and the database could not be asked since. Callers must not be
 * told anything: whether the change was made will show in the log.
 */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('The database did not tell whether the change was committed.', { cause })
    this.name = 'OutcomeUnknown'
  }
}

/** A replica that lost commits has taken over, or a backup was restored. */
export const WENT_BACK: StorageFault = {
  kind: 'damaged',
  reason:
    'The log has lost events that were published: an older copy has taken its place. Run "boardcast epoch --new".',
}

/** No epoch is stored, where there was one. */
export const NO_EPOCH: StorageFault = {
  kind: 'damaged',
  reason: 'The database is incomplete: another program is restoring it, or has changed it.',
}

/** The first match wins. */
const FAULTS: ReadonlyArray<readonly [codes: RegExp, fault: StorageFault]> = [
  // SQLITE_IOERR_SHMSIZE: the shared-memory file cannot grow, so the disk is full.
  [/^SQLITE_(FULL|IOERR_SHMSIZE)/, { kind: 'full', reason: 'The disk that holds the database is full.' }],
  [/^SQLITE_(BUSY|LOCKED|PROTOCOL)/, { kind: 'busy', reason: 'Another program holds the write lock of the database.' }],
  [/^SQLITE_(CORRUPT|NOTADB)/, { kind: 'damaged', reason: 'The database file is damaged. Restore a backup.' }],
  [/^SQLITE_READONLY/, { kind: 'io', reason: 'The database is read-only.' }],
  [/^SQLITE_CANTOPEN/, { kind: 'io', reason: 'A file of the database cannot be opened.' }],
  [/^SQLITE_NOMEM/, { kind: 'io', reason: 'SQLite ran out of memory.' }],
  [/^SQLITE_IOERR/, { kind: 'io', reason: 'The disk that holds the database reports an I/O error.' }],
]

/** Maps an SQLite error code to a fault; undefined when the query itself is at fault. */
export function faultOfCode(code: string): StorageFault | undefined {
  return FAULTS.find(([codes]) => codes.test(code))?.[1]
}

/** The fault behind an error that ended a whole transaction. */
export function faultOf(error: unknown): StorageFault {
  if (error instanceof StorageUnavailable) return error.fault
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return faultOfCode(code) ?? { kind: 'io', reason: 'The change could not be stored.' }
}
