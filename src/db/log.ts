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
import { type LogMemory, LogTransaction } from './log-transaction.ts'
import { readMeta, writeMeta } from './meta.ts'
import { type Bounds, Snapshot } from './snapshot.ts'
import type { Sql } from './sql.ts'
import type { Transactions } from './transactions.ts'
import { countTransient, noteTransient, type Transient, type TransientCount } from './transient.ts'

/** The newest stored event and the newest trimmed one. The greater is the head: a sequence number is never used again. */
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

  static async open(transactions: Pick<Transactions, 'write'>, limits: CoverageLimits = COVERAGE_LIMITS): Promise<Log> {
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
    const bounds = await readBounds(sql)
    this.#look(bounds)
    return new Snapshot(sql, this.epoch, bounds)
  }

  /** Counts the transient events of a snapshot. Costs a query only after another process has written. */
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

  /** To be called when the transaction has been committed. */
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
  const row = await sql.get<{ newest: number | null; trimmed: string | null }>(SELECT_BOUNDS)
  const oldest = Number(row?.trimmed ?? 0)
  return { oldest, newest: Math.max(row?.newest ?? 0, oldest) }
}
