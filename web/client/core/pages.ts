/** What a reader missed, from the log over HTTP. */
import { parseCursor } from '../../../shared/src/cursor.ts'
import { PAGE_LIMIT_MAX } from '../../../shared/src/protocol.ts'
import { inOrder } from './channels.ts'
import { BoardcastError } from './errors.ts'
import { outdated } from './freshness.ts'
import type { HubCore } from './hub-core.ts'
import { compareIds } from './positions.ts'
import type { Frame, GapNotice } from './types.ts'

export interface Page {
  readonly events: readonly Frame[]
  /** Complete up to here. */
  readonly cursor: string
  /** From here on nothing of what was asked for is missing. */
  readonly oldest: string
  readonly more: boolean
}

export interface PageQuery {
  readonly channels: readonly string[]
  readonly types: string
  /** Null: everything that is kept. */
  readonly after: string | null
  /** The stream has told of everything up to here: a page without more to come must reach it. */
  readonly until: string
}

/** The notice of a gap when what came after is no longer kept. Throws a BoardcastError. */
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
    if (!page.more && compareIds(page.cursor, until) < 0) throw outdated('GET /events', page.cursor, until)
    if (after === null || compareIds(after, page.oldest) >= 0) return page
    return { requested: after, oldest: page.oldest, reason: 'trimmed' }
  } catch (error) {
    if (!(error instanceof BoardcastError) || error.problem?.code !== 'bad_request' || after === null) throw error
    // The refusal says in words what a gap says in fields.
    query.delete('after')
    query.set('limit', '1')
    const { oldest } = (await request<Page>('GET', `/events?${query}`, undefined, { signal })).body
    return { requested: after, oldest, reason: reasonOf(after, oldest) }
  }
}

function reasonOf(after: string, oldest: string): GapNotice['reason'] {
  const asked = parseCursor(after)
  const kept = parseCursor(oldest)
  // Of this log, and refused all the same: ahead of it.
  return asked && kept && asked.epoch !== kept.epoch ? 'epoch' : 'invalid'
}
