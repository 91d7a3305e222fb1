/** Migrates a database of PostgreSQL while nodes of the version before go on. */
import { setTimeout as delay } from 'node:timers/promises'
import { lockOutOthers } from '../postgres/migration-locks.ts'
import { faultOf } from '../storage-fault.ts'
import type { Transactions } from '../transactions.ts'
import { MIGRATIONS, migrate } from './migrate.ts'

const RETRY_AFTER_MS = 100
/** A program that locks tables for longer, such as a backup, keeps a new version from starting. */
const PATIENCE_MS = 30_000

/** `steps`: all that this version knows. Rejects with NewerSchema, or with StorageUnavailable of the kind `busy`. */
export async function migrateAmongNodes(transactions: Pick<Transactions, 'write'>, steps = MIGRATIONS): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; ; await delay(RETRY_AFTER_MS)) {
    try {
      return await migrate(transactions, steps.length, { steps, beforeStep: lockOutOthers })
    } catch (error) {
      if (faultOf(error).kind !== 'busy' || performance.now() >= end) throw error
    }
  }
}
