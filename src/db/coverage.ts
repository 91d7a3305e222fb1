/**
 * What is missing from the log, by channel. For every channel, and every name under which events show on it, one row
 * holds the newest sequence number that retention trimmed there:
 *
 *   board:demo    attempt_log     4711      a reader of board:demo after 4700 misses log lines
 *   attempt:a     attempt_log     4711
 *   global        attempt.log...  4711
 *   topic:        *               1200      every topic, under any name
 *
 * A row may claim more than is missing, never less: the oldest rows beyond a limit are folded into one for all channels
 * of their kind, which is named like a channel without an id.
 */
import { channelName, parseChannel } from '../../shared/src/channels.ts'
import { EVERYONE } from '../../shared/src/protocol.ts'
import { inserter } from './insert.ts'
import type { LogEvent } from './log-event.ts'
import type { Sql, SqlValue } from './sql.ts'

/** Any name at all. */
const ANY = '*'
/** What shows on channels that this version cannot name. */
const EVERY_CHANNEL = ''

export type NameFilter = (name: string) => boolean

export interface CoverageLimits {
  /** Rows altogether. Whoever posts on topics names them as they like. */
  readonly rows: number
  /** Rows of one channel. */
  readonly names: number
  /** The rows are counted when so many have been written. */
  readonly countEvery: number
}

export const COVERAGE_LIMITS: CoverageLimits = { rows: 100_000, names: 100, countEvery: 1_000 }

interface Mark {
  readonly channel: string
  readonly name: string
  readonly seq: number
}

/** As many channels as one statement names. */
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

/**
 * The newest trimmed sequence number among the events that show on any of the channels under a name that passes (null:
 * under any).
 */
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

  /** Notes that events are trimmed, inside the transaction that deletes them. */
  async note(sql: Sql, events: readonly LogEvent[]): Promise<void> {
    const { marks, clientNamed } = marksOf(events)
    await write(sql, marks)
    for (const channel of clientNamed) await this.#foldNames(sql, channel)
    this.#sinceCount += marks.length
    if (this.#sinceCount < this.#limits.countEvery) return
    this.#sinceCount = 0
    await this.#foldChannels(sql)
  }

  /** The oldest half of the names of a channel that has too many become any name. */
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

  /** The oldest rows beyond the limit become those of their kinds. */
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
      // Names on topics are without end.
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

/** What stands for all channels of the kind; the channel itself where it is the only one. */
function kindOf(channel: string): string {
  const kind = channel === EVERYONE ? undefined : parseChannel(channel)?.kind
  return kind ? channelName(kind, '') : channel
}

/** The marks of ascending events, and the channels among them on which events have names that clients chose. */
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

/** Where events of one kind show, and the newest of them. */
interface Destinations {
  readonly type: string
  /** The text that the payloads begin with, up to the last field that decides where they show. */
  readonly beginning: string
  readonly names: ReadonlyArray<{ readonly channel: string; readonly name: string }>
  seq: number
}

/**
 * Events of many a kind follow each other, as the lines of some attempts do: where they show is worked out once for those
 * whose payloads begin alike.
 */
class RecentDestinations {
  static readonly #most = 16
  readonly #recent: Destinations[] = []

  find({ type, data }: LogEvent): Destinations | undefined {
    return this.#recent.find((known) => known.type === type && data.startsWith(known.beginning))
  }

  /** Returns the one that is forgotten for it. */
  add(event: LogEvent, names: Destinations['names']): Destinations | undefined {
    const beginning = beginningOf(event)
    if (beginning === null) return { type: event.type, beginning: '', names, seq: event.seq }
    this.#recent.unshift({ type: event.type, beginning, names, seq: event.seq })
    return this.#recent.length > RecentDestinations.#most ? this.#recent.pop() : undefined
  }

  all(): readonly Destinations[] {
    return this.#recent
  }
}

/** null where more than a beginning decides. */
function beginningOf({ entry, payload, data }: LogEvent): string | null {
  if (!entry?.fields.placedBy) return null
  const deciding = entry.isPosted ? [...entry.fields.placedBy, 'event'] : entry.fields.placedBy
  const order = [...entry.fields.about, ...entry.fields.shows]
  const last = Math.max(...deciding.map((field) => order.indexOf(field)))
  if (last + 1 === order.length || deciding.some((field) => payload[field] === undefined)) return null
  const fields = Object.fromEntries(order.slice(0, last + 1).map((field) => [field, payload[field]]))
  const beginning = `${JSON.stringify(fields).slice(0, -1)},`
  return data.startsWith(beginning) ? beginning : null
}
