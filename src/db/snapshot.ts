/**
 * What `Store.read` gives its caller: the database and the log at one instant. Everything that is read through one
 * snapshot belongs together, and `head` is the newest sequence number that belongs to it.
 */
import { type NameFilter, trimmedOf } from './coverage.ts'
import { EventCounts } from './event-counts.ts'
import { type EventRow, type LogEvent, SELECT_EVENTS, toEvent } from './log-event.ts'
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
  /** The sequence number after which nothing is missing. */
  readonly oldest: number
  readonly newest: number
}

/** As many rows as one statement names; a power of two that fits both databases' parameter limits. */
const CHUNK = 64
const RANGES_PER_READ = 256
/** What an event of the whole log is taken for before any was read: one alone would cost a trip to PostgreSQL. */
const LENGTH_AT_FIRST = 64 * 1024
const SELECT_RANGE = `${SELECT_EVENTS} WHERE seq BETWEEN ? AND ? ORDER BY seq`
const SELECT_CHUNK = `${SELECT_EVENTS} WHERE seq IN (${Array(CHUNK).fill('?').join(',')}) ORDER BY seq`

export class Snapshot {
  readonly sql: Sql
  readonly epoch: string
  /** Of the whole log: on some channels less may be missing, see `oldestOf`. */
  readonly bounds: Bounds
  readonly #counts: EventCounts

  constructor(sql: Sql, epoch: string, bounds: Bounds, counts = new EventCounts(Infinity)) {
    this.sql = sql
    this.epoch = epoch
    this.bounds = bounds
    this.#counts = counts
  }

  /** The newest sequence number that the snapshot includes. */
  get head(): number {
    return this.bounds.newest
  }

  /**
   * The sequence number after which nothing is missing of the events that show on some channels under names that pass
   * (null: under any); `global` counts as a channel here. Costs a look-up for a few channels, and nothing while the log
   * is whole.
   */
  async oldestOf(channels: readonly string[], passes: NameFilter | null): Promise<number> {
    const { oldest } = this.bounds
    if (oldest === 0 || (passes === null && channels.includes('global'))) return oldest
    return trimmedOf(this.sql, channels, passes)
  }

  /**
   * The events after a sequence number that show on any of the channels, at most `limit` of them, and no more than it takes to
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

  /** The newest events of some types on a channel, ascending, at most `limit`, all of them before sequence number `before`. */
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
      const ranges = await this.sql.all<{ first: number; last: number }>(
        `SELECT first_seq AS first, last_seq AS last FROM event_channels
         WHERE channel = ? AND first_seq < ? ORDER BY last_seq DESC LIMIT ${RANGES_PER_READ}`,
        [channel, end],
      )
      for (const range of ranges) {
        const rows = await this.sql.values<EventRow>(query, [
          range.first,
          Math.min(range.last, end - 1),
          ...types,
          limit - found.length,
        ])
        found.push(...rows.map(toEvent))
        end = range.first
        if (found.length >= limit) break
      }
      if (ranges.length < RANGES_PER_READ) break
    }
    return found.reverse()
  }

  /** How many events of some transient types there are on a channel up to a sequence number. Throws CountGoesOn. */
  async countUpTo(channel: string, types: readonly string[], seq: number): Promise<number> {
    return this.#counts.upTo(this, channel, types, seq)
  }

  async #readAll(after: number, limit: number, maxLength: number, head: number): Promise<Page> {
    const events: LogEvent[] = []
    let length = 0
    let reached = after
    const first = Math.max(1, Math.min(CHUNK, Math.floor(maxLength / LENGTH_AT_FIRST)))
    while (events.length < limit && length <= maxLength) {
      const size = events.length === 0 ? first : rowsThatFit(events.length, length, maxLength, CHUNK)
      const rows = await this.sql.values<EventRow>(`${SELECT_EVENTS} WHERE seq > ? ORDER BY seq LIMIT ?`, [
        reached,
        Math.min(size, limit - events.length),
      ])
      if (rows.length === 0) return { events, reached: head }
      for (const event of rows.map(toEvent)) {
        events.push(event)
        reached = event.seq
        length += event.data.length
        if (length > maxLength) break
      }
      if (reached === head) break
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

  /** The events with some sequence numbers, ascending. Some of them may have been trimmed. */
  async #readSome(seqs: readonly number[]): Promise<LogEvent[]> {
    const first = seqs[0] ?? 0
    const last = seqs.at(-1) ?? 0
    // One walk along the table in place of a search for each: what an attempt prints mostly lies together.
    const isRange = last - first === seqs.length - 1
    const params: SqlValue[] = isRange ? [first, last] : [...seqs]
    while (!isRange && params.length < CHUNK) params.push(null)
    const rows = await this.sql.values<EventRow>(isRange ? SELECT_RANGE : SELECT_CHUNK, params)
    return rows.map(toEvent)
  }

  /**
   * The first `limit` sequence numbers after `after` on any of the channels, ascending, each once. Trimmed events may be
   * among them. `horizon`: as far as they are complete.
   */
  async #members(channels: readonly string[], after: number, limit: number, head: number) {
    const ranges: Array<{ first: number; last: number }> = []
    let horizon = head
    for (const channel of channels) {
      const found = await this.sql.all<{ first: number; last: number }>(
        `SELECT first_seq AS first, last_seq AS last FROM event_channels
         WHERE channel = ? AND last_seq > ? ORDER BY last_seq LIMIT ${RANGES_PER_READ}`,
        [channel, after],
      )
      ranges.push(...found)
      if (found.length === RANGES_PER_READ) horizon = Math.min(horizon, found[found.length - 1]?.last ?? after)
    }
    ranges.sort((a, b) => a.first - b.first)
    const seqs: number[] = []
    let last = after
    for (const range of ranges) {
      for (let seq = Math.max(range.first, last + 1); seq <= range.last && seq <= horizon; seq++) {
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
