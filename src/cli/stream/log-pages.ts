/** The log over HTTP, for what a stream cannot tell: whether something is still to come, and where a moment is. */
import * as z from 'zod'
import { formatCursor, parseCursor } from '../../../shared/src/cursor.ts'
import { type Api, type Call, endlessPatience } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { includes } from './envelope.ts'
import type { EventSource } from './event-source.ts'

const page = z.object({
  events: z.array(z.object({ id: z.string(), timestamp: z.number() })),
  cursor: z.string(),
  oldest: z.string(),
  more: z.boolean(),
})

export interface LogQuery {
  readonly channels: readonly string[]
  readonly types?: readonly string[]
}

async function readPage(
  api: Api,
  { channels, types = [] }: LogQuery,
  { after, limit }: { after: string | undefined; limit: number },
  call: Call,
) {
  const query = new URLSearchParams({ channels: channels.join(','), limit: String(limit) })
  if (types.length > 0) query.set('types', types.join(','))
  if (after !== undefined) query.set('after', after)
  const { value } = await api.read(page, 'GET', `/events?${query}`, call)
  return value
}

/** The newest id. */
export async function newestId(api: Api, call: Call = {}): Promise<string> {
  const { value } = await api.read(z.object({ cursor: z.string() }), 'GET', '/cursor', call)
  return value.cursor
}

const PAGE = 1_000

/**
 * Resolves when the stream has passed `id`: everything up to it that its channels show has been taken. A quiet stream is
 * told only by its next heartbeat, so the log is asked. After a gap, in which `id` may have gone, it resolves too. Rejects
 * when the signal aborts while the log is being asked.
 */
export async function passed(
  source: EventSource,
  id: string,
  { api, query, signal }: { api: Api; query: LogQuery; signal: AbortSignal },
): Promise<void> {
  const call = { signal, patience: endlessPatience }
  for (;;) {
    while (source.cursor === undefined) await source.changed()
    const { cursor } = source
    if (includes(cursor, id) || parseCursor(cursor)?.epoch !== parseCursor(id)?.epoch) return
    const { events, cursor: read, more } = await readPage(api, query, { after: cursor, limit: PAGE }, call)
    const awaited = more ? read : events.findLast((event) => includes(id, event.id))?.id
    if (awaited === undefined) return
    while (source.cursor !== undefined && !includes(source.cursor, awaited)) await source.changed()
  }
}

/**
 * The cursor before the first event at or after a moment; the newest id if there is none. Nothing is known about the
 * sequence but that times never go back, so it is searched by halves.
 */
export async function cursorAt(api: Api, query: LogQuery, timestamp: number, signal: AbortSignal): Promise<string> {
  const newest = parseCursor(await newestId(api, { signal }))
  const { oldest } = await readPage(api, query, { after: undefined, limit: 1 }, { signal })
  const first = parseCursor(oldest)
  if (newest === null || first === null)
    throw new Refused(200, undefined, `${api.baseUrl} answered with a malformed id.`)
  let low = first.seq
  let high = newest.seq
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const after = formatCursor(newest.epoch, middle)
    const { events, more, cursor } = await readPage(api, query, { after, limit: 1 }, { signal })
    const next = events[0]
    const isEarlier = next === undefined ? more : next.timestamp < timestamp
    // Nothing after `middle` up to the id of the next event is at or after the moment, unless that event is.
    if (isEarlier) low = Math.max(middle + 1, parseCursor(next?.id ?? cursor)?.seq ?? 0)
    else high = middle
  }
  return formatCursor(newest.epoch, low)
}
