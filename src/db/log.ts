/**
 * The log: one table of events, one strictly increasing integer, and an index that makes the replay of one channel a
 * range read.
 *
 *   events          1  2  3  4  5  6  7            every event, in the order of commit
 *   event_channels  board:demo 1-1, 3-7            ranges of sequence numbers, one row each
 *                   attempt:a  4-7
 *
 * The head is read from the database in every transaction, since another process may have written to it. Everything
 * else that is kept in memory is tagged with the state of the log that it was computed for.
 */
import { randomBytes } from 'node:crypto'
import { COVERAGE_LIMITS, Coverage, type CoverageLimits } from './coverage.ts'
import { EventCounts } from './event-counts.ts'
import { type LogMemory, LogTransaction } from './log-transaction.ts'
import { asLost, isLost } from './lost-epoch.ts'
import { holdMeta, writeMeta } from './meta.ts'
import { type Bounds, Snapshot } from './snapshot.ts'
import type { Sql } from './sql.ts'
import { NO_EPOCH, StorageUnavailable, WENT_BACK } from './storage-fault.ts'
import type { Transactions } from './transactions.ts'
import { countTransient, noteTransient, type Transient, type TransientCount } from './transient.ts'

/**
 * The newest stored event and the newest trimmed one. The greater is the head: a sequence number is never used again. `meta`
 * comes first in every transaction, so that a migration that locks it waits for nobody who waits for the migration.
 */
const SELECT_BOUNDS = `SELECT (SELECT value FROM meta WHERE name = 'trimmed') AS trimmed,
  (SELECT value FROM meta WHERE name = 'epoch') AS epoch,
  (SELECT max(seq) FROM events) AS newest`

interface Reading {
  readonly bounds: Bounds
  readonly epoch: string
}

export class Log {
  /** Called in the transaction that finds a new epoch, with the head that it goes on from. */
  onEpoch: (head: number) => void = () => {}
  readonly #coverageLimits: CoverageLimits
  readonly #eventCounts = new EventCounts()
  readonly #formerEpochs = new Set<string>()
  #epoch: string
  #coverage: Coverage
  #memory: LogMemory
  #bounds: Bounds

  private constructor(epoch: string, limits: CoverageLimits, memory: LogMemory, bounds: Bounds) {
    this.#epoch = epoch
    this.#coverageLimits = limits
    this.#coverage = new Coverage(limits)
    this.#memory = memory
    this.#bounds = bounds
  }

  static async open(transactions: Pick<Transactions, 'write'>, limits: CoverageLimits = COVERAGE_LIMITS): Promise<Log> {
    const transaction = await transactions.write()
    const { sql } = transaction
    try {
      // Another program may have drawn one while this transaction waited for it.
      const epoch = await holdMeta(sql, 'epoch', randomBytes(4).toString('hex'))
      const { bounds } = await readBounds(sql)
      const count = await countTransient(sql, bounds)
      await noteTransient(sql, count, bounds.newest)
      await transaction.commit()
      return new Log(epoch, limits, { count, scanned: bounds.oldest, noted: bounds.newest }, bounds)
    } catch (error) {
      await transaction.rollback()
      throw error
    } finally {
      transaction.release()
    }
  }

  /** Another program may renew it: `boardcast epoch --new`. */
  get epoch(): string {
    return this.#epoch
  }

  /** The bounds when this process last looked. For figures only: use a snapshot to decide something. */
  get bounds(): Bounds {
    return this.#bounds
  }

  /** The transient events when they were last counted. May lag behind what other processes write. */
  get transient(): TransientCount {
    return this.#memory.count
  }

  /** Inside a transaction: the log as that transaction sees it. */
  async snapshot(sql: Sql): Promise<Snapshot> {
    const reading = await readBounds(sql)
    // A read may have begun before the new epoch was stored.
    if (reading.epoch !== this.#epoch && !this.#formerEpochs.has(reading.epoch)) this.#begin(reading)
    else this.#look(reading.bounds)
    return new Snapshot(sql, reading.epoch, reading.bounds, this.#eventCounts)
  }

  /** Counts the transient events of a snapshot. Costs a query only after another process has written. */
  async countTransient({ sql, bounds }: Snapshot): Promise<Transient> {
    const count = await countTransient(sql, bounds, this.#memory.count)
    this.#memory = { ...this.#memory, count }
    return count
  }

  /**
   * Begins to write, inside a transaction that writes. Resolves to null if the log no longer has what was `published`, or is
   * in an epoch that was over: then this is marked for all nodes, and all that is left to do is to commit.
   */
  async begin(sql: Sql, published: number): Promise<LogTransaction | null> {
    const reading = await readBounds(sql)
    const { bounds, epoch } = reading
    const isCurrent = epoch === this.#epoch
    if (isCurrent ? bounds.newest < published : this.#formerEpochs.has(epoch)) {
      await writeMeta(sql, 'epoch', asLost(epoch))
      return null
    }
    if (isCurrent) this.#look(bounds)
    else this.#begin(reading)
    return new LogTransaction(sql, bounds, this.#memory, this.#coverage)
  }

  /** To be called when the transaction has been committed. */
  committed(written: LogTransaction): void {
    this.#memory = written.memory
    this.#look(written.bounds)
  }

  /** A new epoch. The log may have gone back, so nothing that was known of it counts. */
  #begin({ epoch, bounds }: Reading): void {
    this.#formerEpochs.add(this.#epoch)
    this.#epoch = epoch
    this.#bounds = bounds
    this.#coverage = new Coverage(this.#coverageLimits)
    // It fits no bounds, so it is counted again.
    this.#memory = {
      count: { events: 0, bytes: 0, oldest: -1, newest: -1 },
      scanned: bounds.oldest,
      noted: bounds.newest,
    }
    this.onEpoch(bounds.newest)
  }

  #look(bounds: Bounds): void {
    // A read may have begun before a COMMIT that is known already.
    if (bounds.newest >= this.#bounds.newest && bounds.oldest >= this.#bounds.oldest) this.#bounds = bounds
  }
}

/** Rejects with StorageUnavailable if there is no log that can be gone on with. */
async function readBounds(sql: Sql): Promise<Reading> {
  const row = await sql.get<{ newest: number | null; trimmed: string | null; epoch: string | null }>(SELECT_BOUNDS)
  // Another program is restoring the database, one table after the other.
  if (!row?.epoch) throw new StorageUnavailable(NO_EPOCH)
  if (isLost(row.epoch)) throw new StorageUnavailable(WENT_BACK)
  const oldest = Number(row.trimmed ?? 0)
  return { bounds: { oldest, newest: Math.max(row.newest ?? 0, oldest) }, epoch: row.epoch }
}
