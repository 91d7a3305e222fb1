/**
 * Records what retention trimmed from the log. For every channel, and every name under which events show on it, one row
 * holds the newest sequence number that was trimmed:
 *
 *   board:demo    attempt_log     4711      a reader of board:demo after 4700 misses log lines
 *   attempt:a     attempt_log     4711
 *   global        attempt.log...  4711
 *   topic:        *               1200      every topic, under any name
 *
 * A row may report more than is missing, never less. Beyond a limit the oldest rows are merged into one for all channels
 * of their kind, named like a channel without an id.
 */
import { channelName, parseChannel } from '../../shared/src/channels.ts'
import { EVERYONE } from '../../shared/src/protocol.ts'
import { inserter } from './insert.ts'
import type { LogEvent } from './log-event.ts'
import { type Destinations, RecentDestinations } from './recent-destinations.ts'
import type { Sql, SqlValue } from './sql.ts'

/** Matches any name. */
const ANY = '*'
/** Stands for channels that this version does not know. */
const EVERY_CHANNEL = ''

export type NameFilter = (name: string) => boolean

export interface CoverageLimits {
  /** Limit of all rows. Clients choose the names of topics, so their number is unbounded. */
  readonly rows: number
  /** Limit of the rows of one channel. */
  readonly names: number
  /** The rows are counted once per this many writes. */
  readonly countEvery: number
}

export const COVERAGE_LIMITS: CoverageLimits = { rows: 100_000, names: 100, countEvery: 1_000 }

interface Mark {
  readonly channel: string
  readonly name: string
  readonly seq: number
}

/** Numbers of channels in one statement. */
const SIZES = [4, 64] as const
const queries = SIZES.map((size) => {
  const where = `FROM trimmed WHERE channel IN (${Array(size).fill('?').join(',')})`
  return { size, newest: `SELECT max(seq) AS seq ${where}`, each: `SELECT name, seq ${where}` }
})

const upsert = inserter(
  'trimmed',
  ['channel', 'name', 'seq'],
  'ON CONFLICT (channel, name) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > trimmed.seq',
)

/** The newest trimmed sequence number of events that show on any of the channels under a name that passes (null: any name). */
export async function trimmedOf(sql: Sql, channels: readonly string[], passes: NameFilter | null): Promise<number> {
  const asked = [...new Set([EVERY_CHANNEL, ...channels.flatMap((channel) => [channel, kindOf(channel)])])]
  let newest = 0
  for (let at = 0; at < asked.length; ) {
    const rest = asked.length - at
    const query = queries.find(({ size }) => size >= rest) ?? queries[queries.length - 1]
    if (!query) break
    const params: SqlValue[] = asked.slice(at, at + query.size)
    while (params.length < query.size) params.push(null)
    at += query.size
    if (passes === null) {
      const row = await sql.get<{ seq: number | null }>(query.newest, params)
      newest = Math.max(newest, row?.seq ?? 0)
    } else {
      const rows = await sql.values<readonly [name: string, seq: number]>(query.each, params)
      for (const [name, seq] of rows) if (seq > newest && (name === ANY || passes(name))) newest = seq
    }
  }
  return newest
}

export class Coverage {
  readonly #limits: CoverageLimits
  #sinceCount: number

  constructor(limits: CoverageLimits) {
    this.#limits = limits
    this.#sinceCount = limits.countEvery
  }

  /** Records trimmed events, inside the transaction that deletes them. */
  async note(sql: Sql, events: readonly LogEvent[]): Promise<void> {
    const { marks, clientNamed } = marksOf(events)
    await write(sql, marks)
    for (const channel of clientNamed) await this.#foldNames(sql, channel)
    this.#sinceCount += marks.length
    if (this.#sinceCount < this.#limits.countEvery) return
    this.#sinceCount = 0
    await this.#foldChannels(sql)
  }

  /** Merges the older half of a channel's names into ANY when there are too many. */
  async #foldNames(sql: Sql, channel: string): Promise<void> {
    const { names } = this.#limits
    const row = await sql.get<{ n: number }>('SELECT count(*) AS n FROM trimmed WHERE channel = ?', [channel])
    if (!row || row.n <= names) return
    const last = await sql.get<{ seq: number }>(
      'SELECT seq FROM trimmed WHERE channel = ? AND name <> ? ORDER BY seq DESC LIMIT 1 OFFSET ?',
      [channel, ANY, Math.floor(names / 2)],
    )
    if (!last) return
    await sql.run('DELETE FROM trimmed WHERE channel = ? AND name <> ? AND seq <= ?', [channel, ANY, last.seq])
    await write(sql, [{ channel, name: ANY, seq: last.seq }])
  }

  /** Merges the oldest rows beyond the limit into the rows of their kinds. */
  async #foldChannels(sql: Sql): Promise<void> {
    const row = await sql.get<{ n: number }>('SELECT count(*) AS n FROM trimmed')
    const excess = (row?.n ?? 0) - this.#limits.rows
    if (excess <= 0) return
    const last = await sql.get<{ seq: number }>('SELECT seq FROM trimmed ORDER BY seq LIMIT 1 OFFSET ?', [excess - 1])
    if (!last) return
    const folded = await sql.all<Mark>('SELECT channel, name, seq FROM trimmed WHERE seq <= ?', [last.seq])
    await sql.run('DELETE FROM trimmed WHERE seq <= ?', [last.seq])
    const marks = new Marks()
    for (const { channel, name, seq } of folded) {
      const kind = kindOf(channel)
      // Names on topics are unbounded.
      marks.add(kind, kind !== channel && kind === TOPICS ? ANY : name, seq)
    }
    await write(sql, marks.all())
  }
}

async function write(sql: Sql, marks: readonly Mark[]): Promise<void> {
  await upsert(
    sql,
    marks.flatMap(({ channel, name, seq }) => [channel, name, seq]),
  )
}

const TOPICS = channelName('topic', '')

/** The row of all channels of a kind; the channel itself when it is the only one. */
function kindOf(channel: string): string {
  const kind = channel === EVERYONE ? undefined : parseChannel(channel)?.kind
  return kind ? channelName(kind, '') : channel
}

/** The marks of ascending events, and the channels on which clients choose the names of events. */
function marksOf(events: readonly LogEvent[]): { marks: readonly Mark[]; clientNamed: ReadonlySet<string> } {
  const destinations = new RecentDestinations()
  const marks = new Marks()
  const clientNamed = new Set<string>()
  for (const event of events) {
    const known = destinations.find(event)
    if (known) {
      known.seq = event.seq
      continue
    }
    const { entry } = event
    const names = event.placements.map(({ channel, destination }) => ({
      channel,
      name: entry?.isPosted ? event.name : destination.event,
    }))
    names.push({ channel: 'global', name: event.name })
    if (!entry) names.push({ channel: EVERY_CHANNEL, name: ANY })
    if (entry?.isPosted) for (const { channel } of names) clientNamed.add(channel)
    const forgotten = destinations.add(event, names)
    if (forgotten) marks.addAll(forgotten)
  }
  for (const left of destinations.all()) marks.addAll(left)
  return { marks: marks.all(), clientNamed }
}

/** The newest sequence number for each channel and name. */
class Marks {
  readonly #marks = new Map<string, Mark>()

  addAll({ names, seq }: Destinations): void {
    for (const { channel, name } of names) this.add(channel, name, seq)
  }

  add(channel: string, name: string, seq: number): void {
    const key = `${channel} ${name}`
    const mark = this.#marks.get(key)
    if (!mark || mark.seq < seq) this.#marks.set(key, { channel, name, seq })
  }

  all(): Mark[] {
    return [...this.#marks.values()]
  }
}
