/** Pages of the log over HTTP, for readers that missed events. */
import { parseCursor } from '../../../shared/src/cursor.ts'
import { PAGE_LIMIT_MAX } from '../../../shared/src/protocol.ts'
import { inOrder } from '../base/channel-order.ts'
import { BoardcastError } from '../base/errors.ts'
import { compareIds, isBefore } from '../base/frames.ts'
import type { Frame, GapNotice, HubCore } from '../base/types.ts'
import { outdated } from '../requests/freshness.ts'

export interface Page {
  readonly events: readonly Frame[]
  /** The page is complete up to this id. */
  readonly cursor: string
  /** From this id on, the log still has every event of these channels. */
  readonly oldest: string
  readonly more: boolean
}

export interface PageQuery {
  readonly channels: readonly string[]
  readonly types: string
  /** Null: everything that is kept. */
  readonly after: string | null
  /** The stream has delivered every event up to this id, so the last page must reach it. */
  readonly until: string
}

/** Returns a gap notice if events after `after` are no longer kept. Throws a BoardcastError. */
export async function readPage(
  request: HubCore['request'],
  { channels, types, after, until }: PageQuery,
  signal: AbortSignal,
): Promise<Page | GapNotice> {
  const query = new URLSearchParams({ channels: inOrder(channels).join(','), limit: String(PAGE_LIMIT_MAX) })
  if (types) query.set('types', types)
  if (after !== null) query.set('after', after)
  try {
    const page = (await request<Page>('GET', `/events?${query}`, undefined, { signal })).body
    const isStuck = page.more && after !== null && compareIds(page.cursor, after) <= 0
    if (isStuck) throw outdated('GET /events', page.cursor, after)
    if (!page.more && isBefore(page.cursor, until)) throw outdated('GET /events', page.cursor, until)
    if (after === null || !isBefore(after, page.oldest)) return page
    return { requested: after, oldest: page.oldest, reason: 'trimmed' }
  } catch (error) {
    if (!(error instanceof BoardcastError) || error.problem?.code !== 'bad_request' || after === null) throw error
    // The server refused `after`. Its message has no fields, so ask for what a gap notice needs.
    query.delete('after')
    query.set('limit', '1')
    const { oldest } = (await request<Page>('GET', `/events?${query}`, undefined, { signal })).body
    return { requested: after, oldest, reason: reasonOf(after, oldest) }
  }
}

function reasonOf(after: string, oldest: string): GapNotice['reason'] {
  const asked = parseCursor(after)
  const kept = parseCursor(oldest)
  // An id of this epoch that the server refused is ahead of the log.
  return asked && kept && asked.epoch !== kept.epoch ? 'epoch' : 'invalid'
}
