/** Advisory locks of PostgreSQL for names: any text becomes the number of a lock. */
import { createHash } from 'node:crypto'

/** The same name gives the same number, and two names hardly ever do. */
export function lockOf(name: string): bigint {
  return createHash('sha256').update(`boardcast ${name}`).digest().readBigInt64BE(0)
}

/** The locks of this database that somebody holds, as the two halves of their numbers. */
export const HELD_LOCKS = `SELECT classid::bigint, objid::bigint FROM pg_locks
  WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** `rows`: the result of HELD_LOCKS. */
export function heldLocks(rows: ReadonlyArray<readonly [number, number]>): ReadonlySet<bigint> {
  return new Set(rows.map(([high, low]) => BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))))
}
