/**
 * The log: one table of events, one strictly increasing integer, and an index that makes the replay of one channel a
 * range read. There is one writer, so positions are counted in memory and written with the rows.
 *
 *   events          1  2  3  4  5  6  7            every event, in the order of commit
 *   event_channels  board:demo 1-1, 3-7            runs of positions, one row a run
 *                   attempt:a  4-7
 *
 * What retention trimmed is remembered as one position: at or after it nothing is missing.
 */
import { randomBytes } from 'node:crypto'
import { LogEvent } from './log-event.ts'
import { readMeta, writeMeta } from './meta.ts'
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

interface EventRow {
  seq: number
  type: string
  at: number
  data: string
  skip: number
}

/** As many rows as one statement names; a power of two that fits both databases' parameter limits. */
const CHUNK = 64
const RUNS_PER_READ = 256
const SELECT = 'SELECT seq, type, at, data, skip FROM events'
const SELECT_CHUNK = `${SELECT} WHERE seq IN (${Array(CHUNK).fill('?').join(',')}) ORDER BY seq`

export class EventLog {
  readonly epoch: string
  readonly #sql: Sql
  #head: number
  #trimmed: number
  #chatter: { events: number; bytes: number }
  /** Nothing at or before this position is chatter, so that a prune need not look there again. */
  #scanned: number

  private constructor(
    sql: Sql,
    start: { epoch: string; head: number; trimmed: number; events: number; bytes: number },
  ) {
    this.#sql = sql
    this.epoch = start.epoch
    this.#head = start.head
    this.#trimmed = start.trimmed
    this.#scanned = start.trimmed
    this.#chatter = { events: start.events, bytes: start.bytes }
  }

  static async open(sql: Sql): Promise<EventLog> {
    const epoch = (await readMeta(sql, 'epoch')) ?? randomBytes(4).toString('hex')
    await writeMeta(sql, 'epoch', epoch)
    const trimmed = Number((await readMeta(sql, 'trimmed')) ?? 0)
    const newest = await sql.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM events')
    return new EventLog(sql, {
      epoch,
      // The newest events may have been trimmed; their positions stay used.
      head: Math.max(newest?.seq ?? 0, trimmed),
      trimmed,
      events: Number((await readMeta(sql, 'chatter_events')) ?? 0),
      bytes: Number((await readMeta(sql, 'chatter_bytes')) ?? 0),
    })
  }

  /** The newest committed position. */
  get head(): number {
    return this.#head
  }

  get bounds(): Bounds {
    return { oldest: this.#trimmed, newest: this.#head }
  }

  /** How much of the log retention may trim. */
  get chatter(): { readonly events: number; readonly bytes: number } {
    return this.#chatter
  }

  /**
   * Writes events that continue the log, inside the transaction of the caller; `committed` must follow its COMMIT.
   * The events' positions are head + 1, head + 2, ...
   */
  async append(events: readonly LogEvent[]): Promise<void> {
    const runs = new Runs()
    let chatter = 0
    let bytes = 0
    for (const event of events) {
      const isChatter = event.entry?.keep === 'chatter'
      await this.#sql.run('INSERT INTO events (seq, type, at, chatter, skip, data) VALUES (?, ?, ?, ?, ?, ?)', [
        event.seq,
        event.type,
        event.at,
        isChatter ? 1 : 0,
        event.skip,
        event.data,
      ])
      for (const { channel } of event.placements) runs.add(channel, event.seq)
      if (isChatter) {
        chatter += 1
        bytes += Buffer.byteLength(event.data)
      }
    }
    for (const run of runs.inOrder()) {
      await this.#sql.run('INSERT INTO event_channels (channel, first_seq, last_seq) VALUES (?, ?, ?)', [
        run.channel,
        run.first,
        run.last,
      ])
    }
    if (chatter > 0) {
      await writeMeta(this.#sql, 'chatter_events', String(this.#chatter.events + chatter))
      await writeMeta(this.#sql, 'chatter_bytes', String(this.#chatter.bytes + bytes))
    }
  }

  /** Makes what `append` wrote part of the log, once its COMMIT is done. */
  committed(events: readonly LogEvent[]): void {
    const last = events.at(-1)
    if (last) this.#head = last.seq
    for (const event of events) {
      if (event.entry?.keep !== 'chatter') continue
      this.#chatter.events += 1
      this.#chatter.bytes += Buffer.byteLength(event.data)
    }
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
    const head = this.#head
    if (after >= head) return { events: [], reached: after }
    return channels === ALL
      ? this.#readAll(after, limit, maxLength, head)
      : this.#readChannels(channels, after, limit, maxLength, head)
  }

  /** The newest events of one type on a channel, ascending, at most `limit`, all of them before position `before`. */
  async readLast(channel: string, type: string, limit: number, before = Number.MAX_SAFE_INTEGER): Promise<LogEvent[]> {
    const found: LogEvent[] = []
    let end = before
    while (found.length < limit) {
      const runs = await this.#sql.all<{ first: number; last: number }>(
        `SELECT first_seq AS first, last_seq AS last FROM event_channels
         WHERE channel = ? AND first_seq < ? ORDER BY last_seq DESC LIMIT ${RUNS_PER_READ}`,
        [channel, end],
      )
      for (const run of runs) {
        const rows = await this.#sql.all<EventRow>(
          `${SELECT} WHERE seq BETWEEN ? AND ? AND type = ? ORDER BY seq DESC LIMIT ?`,
          [run.first, Math.min(run.last, end - 1), type, limit - found.length],
        )
        found.push(...rows.map((row) => new LogEvent(row)))
        end = run.first
        if (found.length >= limit) break
      }
      if (runs.length < RUNS_PER_READ) break
    }
    return found.reverse()
  }

  /**
   * Deletes the oldest chatter, at most `maxEvents` of it, while there is more than the policy allows. Runs inside a
   * transaction; `trimmed` must follow its COMMIT. Answers null when there is nothing to delete.
   */
  async prune(policy: RetentionPolicy, now: number, maxEvents: number): Promise<Trim | null> {
    const rows = await this.#sql.all<{ seq: number; at: number; size: number }>(
      'SELECT seq, at, octet_length(data) AS size FROM events WHERE seq > ? AND chatter = 1 ORDER BY seq LIMIT ?',
      [this.#scanned, maxEvents],
    )
    this.#scanned = rows[0] ? rows[0].seq - 1 : this.#head
    let { events, bytes } = this.#chatter
    let upTo = 0
    for (const row of rows) {
      const excess = events > policy.maxEvents || bytes > policy.maxBytes || row.at < now - policy.maxAgeMs
      if (!excess) break
      upTo = row.seq
      events -= 1
      bytes -= row.size
    }
    if (upTo === 0) return null
    const after = this.#trimmed
    await this.#sql.run('DELETE FROM events WHERE seq > ? AND seq <= ? AND chatter = 1', [after, upTo])
    await this.#pruneRuns(upTo)
    await writeMeta(this.#sql, 'trimmed', String(upTo))
    await writeMeta(this.#sql, 'chatter_events', String(events))
    await writeMeta(this.#sql, 'chatter_bytes', String(Math.max(0, bytes)))
    return { upTo, events, bytes: Math.max(0, bytes), more: rows.length === maxEvents && upTo === rows.at(-1)?.seq }
  }

  /** Makes a prune take effect, once its COMMIT is done. */
  trimmed(trim: Trim): void {
    this.#trimmed = trim.upTo
    this.#scanned = trim.upTo
    this.#chatter = { events: trim.events, bytes: trim.bytes }
  }

  /** Rows of the index are written in the order of their positions, so a pass goes on where the last one stopped. */
  async #pruneRuns(upTo: number): Promise<void> {
    const after = Number((await readMeta(this.#sql, 'trimmed_runs')) ?? 0)
    const next = await this.#sql.get<{ id: number | null }>(
      'SELECT min(id) AS id FROM event_channels WHERE id > ? AND last_seq > ?',
      [after, upTo],
    )
    const end =
      next?.id ??
      (await this.#sql.get<{ id: number }>('SELECT coalesce(max(id), 0) + 1 AS id FROM event_channels'))?.id ??
      1
    await this.#sql.run(
      `DELETE FROM event_channels WHERE id > ? AND id < ? AND NOT EXISTS
         (SELECT 1 FROM events WHERE seq BETWEEN event_channels.first_seq AND event_channels.last_seq)`,
      [after, end],
    )
    await writeMeta(this.#sql, 'trimmed_runs', String(Math.max(after, end - 1)))
  }

  async #readAll(after: number, limit: number, maxLength: number, head: number): Promise<Page> {
    const events: LogEvent[] = []
    let length = 0
    let reached = after
    while (events.length < limit && length <= maxLength) {
      const rows = await this.#sql.all<EventRow>(`${SELECT} WHERE seq > ? ORDER BY seq LIMIT ?`, [
        reached,
        Math.min(CHUNK, limit - events.length),
      ])
      if (rows.length === 0) return { events, reached: head }
      for (const row of rows) {
        events.push(new LogEvent(row))
        reached = row.seq
        length += row.data.length
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
    for (let i = 0; i < seqs.length; i += CHUNK) {
      const params: SqlValue[] = seqs.slice(i, i + CHUNK)
      while (params.length < CHUNK) params.push(null)
      for (const row of await this.#sql.all<EventRow>(SELECT_CHUNK, params)) {
        events.push(new LogEvent(row))
        length += row.data.length
        if (length > maxLength) return { events, reached: row.seq }
      }
    }
    return { events, reached: horizon }
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

/** What of the chatter may stay: as old, as many events and as many bytes of payload. */
export interface RetentionPolicy {
  readonly maxAgeMs: number
  readonly maxEvents: number
  readonly maxBytes: number
}

export interface Trim {
  readonly upTo: number
  readonly events: number
  readonly bytes: number
  /** There may be more to delete. */
  readonly more: boolean
}

interface Run {
  readonly channel: string
  readonly first: number
  last: number
}

/** Runs of neighbouring positions per channel, collected while events are appended. */
class Runs {
  readonly #open = new Map<string, Run>()
  readonly #all: Run[] = []

  add(channel: string, seq: number): void {
    const run = this.#open.get(channel)
    if (run && seq - run.last <= 1) {
      run.last = seq
      return
    }
    const next = { channel, first: seq, last: seq }
    this.#open.set(channel, next)
    this.#all.push(next)
  }

  inOrder(): readonly Run[] {
    return this.#all.sort((a, b) => a.last - b.last)
  }
}
