/**
 * The log: one table of events, one strictly increasing integer, and an index that makes the replay of one channel a
 * range read.
 *
 *   events          1  2  3  4  5  6  7            every event, in the order of commit
 *   event_channels  board:demo 1-1, 3-7            ranges of sequence numbers, one row each
 *                   attempt:a  4-7
 *
 * Where the log stands is read from the database in every transaction: another process may have written to it. What is
 * kept in memory beside that says for which state of the log it holds.
 */
import { randomBytes } from 'node:crypto'
import { COVERAGE_LIMITS, Coverage, type CoverageLimits } from './coverage.ts'
import { type LogMemory, LogTransaction } from './log-transaction.ts'
import { readMeta, writeMeta } from './meta.ts'
import { type Bounds, Snapshot } from './snapshot.ts'
import type { Sql } from './sql.ts'
import type { Transactions } from './transactions.ts'
import { countTransient, noteTransient, type Transient, type TransientCount } from './transient.ts'

/**
 * The newest event that is stored, and the newest one that was trimmed: there may be none after it, and its sequence
 * number stays used.
 */
const SELECT_BOUNDS = `SELECT (SELECT max(seq) FROM events) AS newest,
  (SELECT value FROM meta WHERE name = 'trimmed') AS trimmed`

export class Log {
  readonly epoch: string
  readonly #coverage: Coverage
  #memory: LogMemory
  #bounds: Bounds

  private constructor(epoch: string, coverage: Coverage, memory: LogMemory, bounds: Bounds) {
    this.epoch = epoch
    this.#coverage = coverage
    this.#memory = memory
    this.#bounds = bounds
  }

  static async open(transactions: Transactions, limits: CoverageLimits = COVERAGE_LIMITS): Promise<Log> {
    const transaction = await transactions.write()
    const { sql } = transaction
    try {
      const epoch = (await readMeta(sql, 'epoch')) ?? randomBytes(4).toString('hex')
      await writeMeta(sql, 'epoch', epoch)
      const bounds = await readBounds(sql)
      const count = await countTransient(sql, bounds)
      await noteTransient(sql, count, bounds.newest)
      await transaction.commit()
      return new Log(epoch, new Coverage(limits), { count, scanned: bounds.oldest, noted: bounds.newest }, bounds)
    } catch (error) {
      await transaction.rollback()
      throw error
    } finally {
      transaction.release()
    }
  }

  /** Where the log stood when this process last looked. For figures: decisions ask a snapshot. */
  get bounds(): Bounds {
    return this.#bounds
  }

  /** How many transient events there were when they were last counted. Lags behind what other processes write. */
  get transient(): TransientCount {
    return this.#memory.count
  }

  /** What a read works with. */
  async snapshot(sql: Sql): Promise<Snapshot> {
    const bounds = await readBounds(sql)
    this.#look(bounds)
    return new Snapshot(sql, this.epoch, bounds)
  }

  /** How many transient events a snapshot holds. Costs a query only after another process has written. */
  async countTransient({ sql, bounds }: Snapshot): Promise<Transient> {
    const count = await countTransient(sql, bounds, this.#memory.count)
    this.#memory = { ...this.#memory, count }
    return count
  }

  /** Begins to write, inside a transaction that writes. */
  async begin(sql: Sql): Promise<LogTransaction> {
    const bounds = await readBounds(sql)
    this.#look(bounds)
    return new LogTransaction(sql, bounds, this.#memory, this.#coverage)
  }

  /** Takes over what was written, once it is committed. */
  committed(written: LogTransaction): void {
    this.#memory = written.memory
    this.#look(written.bounds)
  }

  #look(bounds: Bounds): void {
    // A read may have begun before a COMMIT that is known already.
    if (bounds.newest >= this.#bounds.newest && bounds.oldest >= this.#bounds.oldest) this.#bounds = bounds
  }
}

async function readBounds(sql: Sql): Promise<Bounds> {
  const [row] = await sql.values<readonly [newest: number | null, trimmed: string | null]>(SELECT_BOUNDS)
  const oldest = Number(row?.[1] ?? 0)
  return { oldest, newest: Math.max(row?.[0] ?? 0, oldest) }
}
