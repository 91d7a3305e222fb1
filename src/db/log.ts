/**
 * The log: one table of events, one strictly increasing integer, and an index that makes the replay of one channel a
 * range read. There is one writer, so positions are counted in memory and written with the rows.
 *
 *   events          1  2  3  4  5  6  7            every event, in the order of commit
 *   event_channels  board:demo 1-1, 3-7            runs of positions, one row a run
 *                   attempt:a  4-7
 *
 * What retention trimmed is remembered as one position, at or after which nothing is missing, and by channel (coverage.ts).
 */
import { randomBytes } from 'node:crypto'
import type { RetentionPolicy } from '../base/config.ts'
import { COVERAGE_LIMITS, Coverage, type CoverageLimits } from './coverage.ts'
import { inserter } from './insert.ts'
import type { LogEvent } from './log-event.ts'
import { readMeta, writeMeta } from './meta.ts'
import { type Chatter, noteChatter, pruneChatter, settleChatter } from './retention.ts'
import { Runs } from './runs.ts'
import type { Bounds } from './snapshot.ts'
import type { Sql, SqlValue } from './sql.ts'

/** The count of chatter is written down with one event in so many: a row of its own is another page for every COMMIT to write. */
const NOTE_EVERY = 2_000

const insertEvents = inserter('events', ['seq', 'type', 'at', 'chatter', 'skip', 'data'])
const insertRuns = inserter('event_channels', ['channel', 'first_seq', 'last_seq'])

/** Where the log stands. Of its two copies, one holds what is committed, one what the open transaction makes of it. */
interface Standing {
  readonly head: number
  readonly trimmed: number
  /** Nothing at or before this position is chatter, so that a prune need not look there again. */
  readonly scanned: number
  readonly chatter: Chatter
  /** As far as `chatter` was last written down. */
  readonly noted: number
}

export class EventLog {
  readonly epoch: string
  readonly #sql: Sql
  readonly #coverage: Coverage
  #committed: Standing
  #open: Standing

  private constructor(sql: Sql, epoch: string, coverage: Coverage, standing: Standing) {
    this.#sql = sql
    this.epoch = epoch
    this.#coverage = coverage
    this.#committed = standing
    this.#open = standing
  }

  static async open(sql: Sql, limits: CoverageLimits = COVERAGE_LIMITS): Promise<EventLog> {
    const epoch = (await readMeta(sql, 'epoch')) ?? randomBytes(4).toString('hex')
    await writeMeta(sql, 'epoch', epoch)
    const trimmed = Number((await readMeta(sql, 'trimmed')) ?? 0)
    const newest = await sql.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM events')
    // The newest events may have been trimmed; their positions stay used.
    const head = Math.max(newest?.seq ?? 0, trimmed)
    const chatter = await settleChatter(sql, head)
    const coverage = new Coverage(limits)
    return new EventLog(sql, epoch, coverage, { head, trimmed, scanned: trimmed, chatter, noted: head })
  }

  /** The newest committed position. */
  get head(): number {
    return this.#committed.head
  }

  /** Those of all channels: on some of them less may be missing. */
  get bounds(): Bounds {
    return { oldest: this.#committed.trimmed, newest: this.#committed.head }
  }

  /** How much of the log retention may trim. */
  get chatter(): Chatter {
    return this.#committed.chatter
  }

  /** A transaction begins: what the last one made and did not commit is forgotten. */
  begin(): void {
    this.#open = this.#committed
  }

  /** Its COMMIT is done: what it made is the log. To be called at once, before any reader is let in. */
  committed(): void {
    this.#committed = this.#open
  }

  /** Writes events that continue the log, inside a transaction: their positions are head + 1, head + 2, ... */
  async append(events: readonly LogEvent[]): Promise<void> {
    const last = events.at(-1)
    if (!last) return
    const runs = new Runs()
    const rows: SqlValue[] = []
    let { events: count, bytes } = this.#open.chatter
    for (const event of events) {
      const isChatter = event.entry?.keep === 'chatter'
      rows.push(event.seq, event.type, event.at, isChatter ? 1 : 0, event.skip, event.data)
      runs.add(event.placements, event.seq)
      if (isChatter) {
        count += 1
        bytes += Buffer.byteLength(event.data)
      }
    }
    await insertEvents(this.#sql, rows)
    await insertRuns(
      this.#sql,
      runs.inOrder().flatMap(({ channel, first, last }) => [channel, first, last]),
    )
    const chatter = { events: count, bytes }
    let { noted } = this.#open
    if (last.seq - noted > NOTE_EVERY) {
      await noteChatter(this.#sql, chatter, last.seq)
      noted = last.seq
    }
    this.#open = { ...this.#open, head: last.seq, chatter, noted }
  }

  /**
   * Deletes the oldest chatter, at most `maxEvents` of it, while there is more than the policy allows. Runs inside a
   * transaction. Answers whether there may be more to delete.
   */
  async prune(policy: RetentionPolicy, now: number, maxEvents: number): Promise<boolean> {
    const { trimmed, scanned, chatter } = this.#open
    const { head } = this.#committed
    const pruned = await pruneChatter(this.#sql, {
      policy,
      now,
      maxEvents,
      chatter,
      head,
      trimmed,
      scanned,
      coverage: this.#coverage,
    })
    this.#open = {
      ...this.#open,
      scanned: pruned.scanned ?? head,
      ...(pruned.trim && { trimmed: pruned.trim.upTo, chatter: pruned.trim.chatter, noted: head }),
    }
    return pruned.trim?.more ?? false
  }
}
