/** Where a listener begins: a matter of its cursor, and of what the log still has of its channels and types. */
import type { Bounds } from '../db/snapshot.ts'
import type { Store } from '../db/store.ts'
import type { Start } from './delivery/channel-change.ts'
import { oldestOf } from './delivery/coverage.ts'
import type { Selection } from './delivery/selection.ts'
import type { RequestFields } from './request.ts'
import { parseStart, startSince } from './resume.ts'

/** Where a stream with this selection begins. */
export function startOf(store: Store, selection: Selection, fields: RequestFields): Promise<Start> {
  return startFor(store, selection, (bounds) => parseStart(fields, store.epoch, bounds))
}

/** Where a channel that is joined begins. */
export function startOfChannel(store: Store, selection: Selection, since: string | null | undefined): Promise<Start> {
  return startFor(store, selection, (bounds) => (since ? startSince(since, store.epoch, bounds) : { kind: 'fresh' }))
}

/** Where it begins in the epoch that holds when the promise resolves. */
async function startFor(store: Store, selection: Selection, startIn: (bounds: Bounds) => Start): Promise<Start> {
  for (;;) {
    const isFresh = startIn(store.bounds).kind === 'fresh'
    if (isFresh) return { kind: 'fresh' }
    // The cursor may be newer than anything published here, and the log may have been trimmed by another process.
    const { start, epoch } = await store.read(async (snapshot) => {
      const start = startIn(snapshot.bounds)
      const { epoch } = store
      // Mostly the bounds of the whole log answer it: after `oldest`, nothing is missing on any channel.
      if (start.kind === 'resume' && start.seq > snapshot.bounds.oldest) return { start, epoch }
      const oldest = await oldestOf(snapshot, selection)
      return { start: startIn({ oldest, newest: snapshot.head }), epoch }
    })
    if (epoch === store.epoch) return start
  }
}
