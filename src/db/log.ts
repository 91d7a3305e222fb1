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
import { COVERAGE_LIMITS, Coverage, type CoverageLimits, type Passes } from './coverage.ts'
import { inserter } from './insert.ts'
import { type EventRow, type LogEvent, SELECT_EVENTS, toEvent } from './log-event.ts'
import { readMeta, writeMeta } from './meta.ts'
import { type Chatter, noteChatter, pruneChatter, settleChatter } from './retention.ts'
import { Runs } from './runs.ts'
import type { Sql, SqlValue } from './sql.ts'

/** Every event, whatever its channels. */
export const ALL = Symbol('all events')

export interface Page {
  /** Ascending, none missing between `after` and `reached`. */
  readonly events: readonly LogEvent[]
  /** Everything up to here that the channels hold has been read. */
  readonly reached: number
}

export interface Bounds {
  /** The first position from which nothing is missing. */
  readonly oldest: number
  readonly newest: number
}

/** As many rows as one statement names; a power of two that fits both databases' parameter limits. */
const CHUNK = 64
/** The count of chatter is written down with one event in so many: a row of its own is another page for every COMMIT to write. */
const NOTE_EVERY = 2_000
const RUNS_PER_READ = 256
const SELECT_RANGE = `${SELECT_EVENTS} WHERE seq BETWEEN ? AND ? ORDER BY seq`
const SELECT_CHUNK = `${SELECT_EVENTS} WHERE seq IN (${Array(CHUNK).fill('?').join(',')}) ORDER BY seq`

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
    const coverage = new Coverage(sql, limits)
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

  /**
   * The first position from which nothing is missing of the events that show on some channels under names that pass
   * (null: under any); `global` counts as a channel here. To be asked within `Store.read`. Costs a look-up for a few
   * channels, and nothing while the log is whole.
   */
  async oldestOf(channels: readonly string[], passes: Passes | null): Promise<number> {
    const { trimmed } = this.#committed
    if (trimmed === 0 || (passes === null && channels.includes('global'))) return trimmed
    return this.#coverage.trimmedOf(channels, passes)
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

  /**
   * The events after a position that show on any of the channels, at most `limit` of them, and no more than it takes to
   * exceed `maxLength` characters of payload. Listeners must have been checked against `bounds` before.
   */
  async readAfter(
    channels: readonly string[] | typeof ALL,
    after: number,
    limit: number,
    maxLength = Infinity,
  ): Promise<Page> {
    const { head } = this
    if (after >= head) return { events: [], reached: after }
    return channels === ALL
      ? this.#readAll(after, limit, maxLength, head)
      : this.#readChannels(channels, after, limit, maxLength, head)
  }

  /** The newest events of some types on a channel, ascending, at most `limit`, all of them before position `before`. */
  async readLast(
    channel: string,
    type: string | readonly string[],
    limit: number,
    before = Number.MAX_SAFE_INTEGER,
  ): Promise<LogEvent[]> {
    const types = typeof type === 'string' ? [type] : type
    const query = `${SELECT_EVENTS} WHERE seq BETWEEN ? AND ? AND type IN (${types.map(() => '?').join(',')})
      ORDER BY seq DESC LIMIT ?`
    const found: LogEvent[] = []
    let end = before
    while (found.length < limit) {
      const runs = await this.#sql.all<{ first: number; last: number }>(
        `SELECT first_seq AS first, last_seq AS last FROM event_channels
         WHERE channel = ? AND first_seq < ? ORDER BY last_seq DESC LIMIT ${RUNS_PER_READ}`,
        [channel, end],
      )
      for (const run of runs) {
        const rows = await this.#sql.values<EventRow>(query, [
          run.first,
          Math.min(run.last, end - 1),
          ...types,
          limit - found.length,
        ])
        found.push(...rows.map(toEvent))
        end = run.first
        if (found.length >= limit) break
      }
      if (runs.length < RUNS_PER_READ) break
    }
    return found.reverse()
  }

  async #readAll(after: number, limit: number, maxLength: number, head: number): Promise<Page> {
    const events: LogEvent[] = []
    let length = 0
    let reached = after
    while (events.length < limit && length <= maxLength) {
      const rows = await this.#sql.values<EventRow>(`${SELECT_EVENTS} WHERE seq > ? ORDER BY seq LIMIT ?`, [
        reached,
        Math.min(rowsThatFit(events.length, length, maxLength, CHUNK), limit - events.length),
      ])
      if (rows.length === 0) return { events, reached: head }
      for (const event of rows.map(toEvent)) {
        events.push(event)
        reached = event.seq
        length += event.data.length
        if (length > maxLength) break
      }
    }
    return { events, reached }
  }

  async #readChannels(
    channels: readonly string[],
    after: number,
    limit: number,
    maxLength: number,
    head: number,
  ): Promise<Page> {
    const { seqs, horizon } = await this.#members(channels, after, limit, head)
    const events: LogEvent[] = []
    let length = 0
    let size = 1
    for (let i = 0; i < seqs.length; ) {
      const some = seqs.slice(i, i + size)
      i += size
      for (const event of await this.#readSome(some)) {
        events.push(event)
        length += event.data.length
        if (length > maxLength) return { events, reached: event.seq }
      }
      // Where all was trimmed, there is nothing to judge by.
      size = events.length > 0 ? rowsThatFit(events.length, length, maxLength, CHUNK) : Math.min(2 * size, CHUNK)
    }
    return { events, reached: horizon }
  }

  /** The events at some positions, ascending, of which some may have been trimmed. */
  async #readSome(seqs: readonly number[]): Promise<LogEvent[]> {
    const first = seqs[0] ?? 0
    const last = seqs.at(-1) ?? 0
    // One walk along the table in place of a search for each: what an attempt prints mostly lies together.
    const isRange = last - first === seqs.length - 1
    const params: SqlValue[] = isRange ? [first, last] : [...seqs]
    while (!isRange && params.length < CHUNK) params.push(null)
    const rows = await this.#sql.values<EventRow>(isRange ? SELECT_RANGE : SELECT_CHUNK, params)
    return rows.map(toEvent)
  }

  /**
   * The first `limit` positions after `after` on any of the channels, ascending, each once. Positions that were trimmed
   * may be among them. `horizon`: as far as they are complete.
   */
  async #members(channels: readonly string[], after: number, limit: number, head: number) {
    const runs: Array<{ first: number; last: number }> = []
    let horizon = head
    for (const channel of channels) {
      const found = await this.#sql.all<{ first: number; last: number }>(
        `SELECT first_seq AS first, last_seq AS last FROM event_channels
         WHERE channel = ? AND last_seq > ? ORDER BY last_seq LIMIT ${RUNS_PER_READ}`,
        [channel, after],
      )
      runs.push(...found)
      if (found.length === RUNS_PER_READ) horizon = Math.min(horizon, found[found.length - 1]?.last ?? after)
    }
    runs.sort((a, b) => a.first - b.first)
    const seqs: number[] = []
    let last = after
    for (const run of runs) {
      for (let seq = Math.max(run.first, last + 1); seq <= run.last && seq <= horizon; seq++) {
        if (seqs.length === limit) return { seqs, horizon: last }
        seqs.push(seq)
        last = seq
      }
    }
    return { seqs, horizon }
  }
}

/**
 * How many events to read at once, judged by those that were read so far: what is read beyond the room of a page is
 * thrown away, and one of them may be a megabyte. The first comes alone, and little follows while little is known.
 */
export function rowsThatFit(count: number, length: number, maxLength: number, most: number): number {
  if (count === 0) return 1
  const fitting = Math.ceil(((maxLength - length) * count) / length)
  return Math.max(1, Math.min(most, 4 * count, fitting))
}
