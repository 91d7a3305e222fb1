/** Writing to the log inside one transaction: events are appended at its head, and old transient ones are trimmed. */
import type { RetentionPolicy } from '../base/config.ts'
import type { Coverage } from './coverage.ts'
import { inserter } from './insert.ts'
import type { LogEvent } from './log-event.ts'
import { Ranges } from './ranges.ts'
import { trimTransient } from './retention.ts'
import type { Bounds } from './snapshot.ts'
import type { Sql, SqlValue } from './sql.ts'
import { countTransient, noteTransient, type TransientCount } from './transient.ts'

/** The count of transient events is stored once per this many events: at every COMMIT it would cost one more page. */
const NOTE_EVERY = 2_000

const insertEvents = inserter('events', ['seq', 'type', 'at', 'chatter', 'skip', 'data', 'actor'])
const insertRanges = inserter('event_channels', ['channel', 'first_seq', 'last_seq'])

/** State kept in memory between transactions. */
export interface LogMemory {
  readonly count: TransientCount
  /** Nothing up to here is transient, so that trimming need not look there again. */
  readonly scanned: number
  /** The head when the count was last stored. */
  readonly noted: number
}

/** What a transaction has made of the log so far. */
export interface Written {
  readonly bounds: Bounds
  readonly memory: LogMemory
}

export class LogTransaction {
  /** The head that was read when the transaction began: the next event gets the number after it. */
  readonly head: number
  readonly #sql: Sql
  readonly #coverage: Coverage
  #written: Written

  constructor(sql: Sql, bounds: Bounds, memory: LogMemory, coverage: Coverage) {
    this.#sql = sql
    this.head = bounds.newest
    this.#coverage = coverage
    this.#written = { bounds, memory }
  }

  get bounds(): Bounds {
    return this.#written.bounds
  }

  get memory(): LogMemory {
    return this.#written.memory
  }

  /** What to give to `undoTo` later. */
  get written(): Written {
    return this.#written
  }

  /** The database was rolled back to a savepoint. */
  undoTo(written: Written): void {
    this.#written = written
  }

  /** Writes events that continue the log: their sequence numbers are head + 1, head + 2, ... To be called once. */
  async append(events: readonly LogEvent[]): Promise<void> {
    const last = events.at(-1)
    if (!last) return
    const ranges = new Ranges()
    const rows: SqlValue[] = []
    let added = 0
    let addedBytes = 0
    for (const event of events) {
      const isTransient = event.entry?.keep === 'transient'
      rows.push(event.seq, event.type, event.at, isTransient ? 1 : 0, event.skip, event.data, event.actor)
      ranges.add(event.placements, event.seq)
      if (isTransient) {
        added += 1
        addedBytes += Buffer.byteLength(event.data)
      }
    }
    const { noted } = this.memory
    const isNoteDue = last.seq - noted > NOTE_EVERY
    if (isNoteDue) await this.#count()
    const { count } = this.memory
    const { oldest } = this.bounds
    await insertEvents(this.#sql, rows)
    await insertRanges(
      this.#sql,
      ranges.inOrder().flatMap(({ channel, first, last }) => [channel, first, last]),
    )
    const bounds = { oldest, newest: last.seq }
    // After another process has written, the count stays behind until it is needed.
    const isExact = count.newest === this.head && count.oldest === oldest
    const next = isExact ? { events: count.events + added, bytes: count.bytes + addedBytes, ...bounds } : count
    if (isNoteDue) await noteTransient(this.#sql, next, last.seq)
    this.#written = { bounds, memory: { ...this.memory, count: next, noted: isNoteDue ? last.seq : noted } }
  }

  /**
   * Deletes the oldest transient events, at most `maxEvents` of them, while there are more than the policy allows. To be
   * called before `append`. Resolves to whether there may be more to delete.
   */
  async trim(policy: RetentionPolicy, now: number, maxEvents: number): Promise<boolean> {
    await this.#count()
    const { memory, bounds } = this.#written
    const { scanned, trimmed } = await trimTransient(this.#sql, {
      policy,
      now,
      maxEvents,
      count: memory.count,
      // A log that went back has events again where this process found none.
      scanned: Math.min(memory.scanned, bounds.newest),
      coverage: this.#coverage,
    })
    const next = { oldest: trimmed?.upTo ?? bounds.oldest, newest: bounds.newest }
    const count = { ...(trimmed?.left ?? memory.count), ...next }
    const noted = trimmed ? bounds.newest : memory.noted
    this.#written = { bounds: next, memory: { count, scanned: scanned ?? bounds.newest, noted } }
    return trimmed?.more ?? false
  }

  /** Makes the count exact. Costs a query only after another process has written. */
  async #count(): Promise<void> {
    const { bounds, memory } = this.#written
    const count = await countTransient(this.#sql, bounds, memory.count)
    this.#written = { bounds, memory: { ...memory, count } }
  }
}
