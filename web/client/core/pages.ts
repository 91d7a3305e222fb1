/** What a reader missed, from the log over HTTP. */
import { parseCursor } from '../../../shared/src/cursor.ts'
import { PAGE_LIMIT_MAX } from '../../../shared/src/protocol.ts'
import { inOrder } from './channels.ts'
import { BoardcastError } from './errors.ts'
import type { HubCore } from './hub-core.ts'
import type { Frame, GapNotice } from './types.ts'

export interface Page {
  readonly events: readonly Frame[]
  /** Complete up to here. */
  readonly cursor: string
  readonly oldest: string
  readonly more: boolean
}

export interface PageQuery {
  readonly channels: readonly string[]
  readonly types: string
  /** Null: from the oldest that is kept. */
  readonly after: string | null
}

/** The notice of a gap when what came after is no longer kept. Throws a BoardcastError. */
export async function readPage(
  request: HubCore['request'],
  { channels, types, after }: PageQuery,
  signal: AbortSignal,
): Promise<Page | GapNotice> {
  const query = new URLSearchParams({ channels: inOrder(channels).join(','), limit: String(PAGE_LIMIT_MAX) })
  if (types) query.set('types', types)
  if (after !== null) query.set('after', after)
  try {
    return (await request<Page>('GET', `/events?${query}`, undefined, { signal })).body
  } catch (error) {
    if (!(error instanceof BoardcastError) || error.problem?.code !== 'bad_request' || after === null) throw error
    // The refusal says in words what a gap says in fields.
    const { oldest } = (await request<Page>('GET', '/events?limit=1', undefined, { signal })).body
    return { requested: after, oldest, reason: reasonOf(after, oldest) }
  }
}

function reasonOf(after: string, oldest: string): GapNotice['reason'] {
  const asked = parseCursor(after)
  const kept = parseCursor(oldest)
  if (!asked || !kept) return 'invalid'
  if (asked.epoch !== kept.epoch) return 'epoch'
  // Not too old, and refused all the same: ahead of the log.
  return asked.seq < kept.seq ? 'trimmed' : 'invalid'
}
