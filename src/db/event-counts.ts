/**
 * Counts the transient events of some types on one channel, such as the lines of a log. Counting a long log takes long, so
 * what was counted is remembered in blocks of ranges:
 *
 *   ranges of attempt:a   1-900, 950-4200 | 4300-8900 | 9000-9100
 *   blocks                last: 4200      | last: 8900
 *
 * An event never changes, so a block is counted once. Trimming removes the oldest events: the blocks before it hold none,
 * and the one that it cuts is counted again. What follows the last full block is counted each time.
 *
 * A log of a million lines that nobody has counted yet takes a second. Meanwhile SQLite would answer nobody else, so one read
 * counts some blocks only, and throws `CountGoesOn`: whoever reads is to end the transaction, and to begin again.
 */
import type { Sql } from './sql.ts'

/** The log at one instant. */
interface Log {
  readonly sql: Sql
  readonly epoch: string
  /** The newest trimmed sequence number. */
  readonly bounds: { readonly oldest: number }
}

interface Counted {
  readonly epoch: string
  /** The newest trimmed sequence number when the blocks were counted. */
  readonly oldest: number
  readonly blocks: readonly Block[]
}

interface Block {
  /** The sequence number with which its last range ends. */
  readonly last: number
  readonly events: number
}

/** Sequence numbers in a block; the last range may exceed it. */
const BLOCK = 4_096
const BLOCKS_PER_READ = 8
const RANGES_PER_READ = 1_024
/** The channels that are remembered. A log of a million lines has 250 blocks. */
const MOST_CHANNELS = 200

/** The read has to be repeated: it will count on from where it stopped. */
export class CountGoesOn extends Error {
  constructor() {
    super('Only a part of the log has been counted so far. Read again to count on.')
    this.name = 'CountGoesOn'
  }
}

export class EventCounts {
  readonly #blocksPerRead: number
  /** Least recently used first. */
  readonly #counted = new Map<string, Counted>()

  constructor(blocksPerRead = BLOCKS_PER_READ) {
    this.#blocksPerRead = blocksPerRead
  }

  /** How many events of these types there are on the channel up to a sequence number. Throws CountGoesOn. */
  async upTo(log: Log, channel: string, types: readonly string[], seq: number): Promise<number> {
    const { epoch, bounds } = log
    const key = `${channel} ${types.join(' ')}`
    const counting = new Counting(log, channel, types)
    const known = await counting.trim(this.#counted.get(key))
    const { blocks, isComplete } = await counting.extend(known, seq, this.#blocksPerRead)
    this.#counted.delete(key)
    this.#counted.set(key, { epoch, oldest: bounds.oldest, blocks })
    const [leastUsed] = this.#counted.keys()
    if (this.#counted.size > MOST_CHANNELS && leastUsed !== undefined) this.#counted.delete(leastUsed)
    if (!isComplete) throw new CountGoesOn()
    const full = blocks.filter(({ last }) => last <= seq)
    const inBlocks = full.reduce((sum, { events }) => sum + events, 0)
    return inBlocks + (await counting.after(endOf(full), seq))
  }
}

class Counting {
  readonly #log: Log
  readonly #channel: string
  readonly #types: readonly string[]
  readonly #select: string

  constructor(log: Log, channel: string, types: readonly string[]) {
    this.#log = log
    this.#channel = channel
    this.#types = types
    this.#select = `SELECT count(*) FROM events WHERE type IN (${types.map(() => '?').join(',')}) AND seq BETWEEN`
  }

  /** The blocks that were counted before, without what was trimmed since. */
  async trim(counted: Counted | undefined): Promise<readonly Block[]> {
    const { epoch, bounds } = this.#log
    // Two reads of PostgreSQL may be of two instants: the older one still has what the newer one counted no more.
    if (!counted || counted.epoch !== epoch || counted.oldest > bounds.oldest) return []
    if (counted.oldest === bounds.oldest) return counted.blocks
    const cut = counted.blocks.findIndex(({ last }) => last > bounds.oldest)
    const first = counted.blocks[cut]
    if (!first) return []
    const events = await this.#inRanges(endOf(counted.blocks.slice(0, cut)), first.last)
    return [{ last: first.last, events }, ...counted.blocks.slice(cut + 1)]
  }

  /** Adds the full blocks that end before a sequence number, or with it; at most `most` of them. */
  async extend(
    known: readonly Block[],
    seq: number,
    most: number,
  ): Promise<{ blocks: readonly Block[]; isComplete: boolean }> {
    const blocks = [...known]
    let reached = endOf(known)
    let length = 0
    while (reached < seq) {
      const ranges = await this.#log.sql.all<{ first: number; last: number }>(
        `SELECT first_seq AS first, last_seq AS last FROM event_channels
         WHERE channel = ? AND last_seq > ? AND last_seq <= ? ORDER BY last_seq LIMIT ${RANGES_PER_READ}`,
        [this.#channel, reached, seq],
      )
      for (const { first, last } of ranges) {
        reached = last
        length += last - first + 1
        if (length < BLOCK) continue
        if (blocks.length === known.length + most) return { blocks, isComplete: false }
        blocks.push({ last, events: await this.#inRanges(endOf(blocks), last) })
        length = 0
      }
      if (ranges.length < RANGES_PER_READ) break
    }
    return { blocks, isComplete: true }
  }

  /** Counts from the end of a block up to a sequence number. */
  async after(end: number, seq: number): Promise<number> {
    const whole = await this.#inRanges(end, seq)
    const { sql } = this.#log
    const cut = await sql.get<{ first: number }>(
      'SELECT first_seq AS first FROM event_channels WHERE channel = ? AND last_seq > ? ORDER BY last_seq LIMIT 1',
      [this.#channel, seq],
    )
    if (!cut || cut.first > seq) return whole
    const row = await sql.get<{ n: number }>(`SELECT (${this.#select} ? AND ?) AS n`, [...this.#types, cut.first, seq])
    return whole + (row?.n ?? 0)
  }

  /** Counts the ranges that end after one sequence number, and not after another. */
  async #inRanges(after: number, upTo: number): Promise<number> {
    const row = await this.#log.sql.get<{ n: number }>(
      `SELECT coalesce(sum((${this.#select} event_channels.first_seq AND event_channels.last_seq)), 0) AS n
       FROM event_channels WHERE channel = ? AND last_seq > ? AND last_seq <= ?`,
      [...this.#types, this.#channel, after, upTo],
    )
    return row?.n ?? 0
  }
}

function endOf(blocks: readonly Block[]): number {
  return blocks.at(-1)?.last ?? 0
}
