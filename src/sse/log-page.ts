/**
 * Pages of the log as envelopes, for programs that poll: what a channel stream with the same selection would have sent.
 * Lines of output are not joined.
 */
import { formatCursor } from '../../shared/src/cursor.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Selection } from './delivery/selection.ts'
import { envelopesOf } from './wire/envelopes.ts'

/** A page ends with the event that exceeds this, so that 1,000 events of 64 KiB are not in memory at once. */
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024
/** `types` may exclude most events, so a page takes up to MAX_READS reads of at least this many events. */
const MIN_EVENTS_PER_READ = 256
const MAX_READS = 16

export interface EnvelopePage {
  /** JSON texts, in the order of the log; several for an event that shows under several names. */
  readonly envelopes: readonly string[]
  /** The sequence number after which the next page starts. */
  readonly next: number
  /** There are, or may be, events after `next`. */
  readonly more: boolean
}

/**
 * At most `limit` events after a sequence number, which must be within the bounds of the log. Looks for one more, so that
 * `more` is exact unless the search was cut short.
 */
export async function readEnvelopes(
  snapshot: Snapshot,
  selection: Selection,
  { after, limit }: { after: number; limit: number },
): Promise<EnvelopePage> {
  const envelopes: string[] = []
  let count = 0
  let last = after
  let reached = after
  let characters = 0
  for (let reads = 0; reads < MAX_READS && reached < snapshot.head && characters <= MAX_PAGE_CHARACTERS; reads++) {
    const wanted = Math.max(limit + 1 - count, MIN_EVENTS_PER_READ)
    const page = await snapshot.readAfter(selection.logChannels, reached, wanted, MAX_PAGE_CHARACTERS - characters)
    for (const event of page.events) {
      characters += event.data.length
      const texts = envelopesOf(event, selection, formatCursor(snapshot.epoch, event.seq))
      if (texts.length === 0) continue
      if (count === limit) return { envelopes, next: last, more: true }
      envelopes.push(...texts)
      count += 1
      last = event.seq
    }
    reached = page.reached
  }
  return { envelopes, next: reached, more: reached < snapshot.head }
}
