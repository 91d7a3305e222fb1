/** Errors of PostgreSQL and of the way to it, as faults of the storage. */
import pg from 'pg'
import { NO_EPOCH, type StorageFault, StorageUnavailable } from '../storage-fault.ts'

const AWAY: StorageFault = { kind: 'away', reason: 'The database does not answer.' }

/** By the first characters of SQLSTATE; the first match wins. */
const FAULTS: ReadonlyArray<readonly [codes: RegExp, fault: StorageFault]> = [
  [/^53100/, { kind: 'full', reason: 'The disk of the database is full.' }],
  [/^53300/, { kind: 'away', reason: 'The database has no connection left.' }],
  [/^(53|58)/, { kind: 'io', reason: 'The database reports a fault of its machine.' }],
  [/^XX00[12]/, { kind: 'damaged', reason: 'The database is damaged. Restore a backup.' }],
  [/^(25006|25P03)/, { kind: 'away', reason: 'The database did not accept the change.' }],
  [/^(40001|40P01|55P03)/, { kind: 'busy', reason: 'Another program holds a lock in the database.' }],
  [/^(08|57P|57014)/, AWAY],
  // A table or an index is not there.
  [/^42P(01|10)/, NO_EPOCH],
]

/** `StorageUnavailable` when asking again can help; the error itself when the query is at fault. */
export function asFault(error: unknown): unknown {
  if (error instanceof StorageUnavailable) return error
  if (!(error instanceof pg.DatabaseError)) return new StorageUnavailable(AWAY, error)
  const fault = FAULTS.find(([codes]) => codes.test(error.code ?? ''))?.[1]
  return fault ? new StorageUnavailable(fault, error) : error
}
